"""Calls every operation of a service of its own with what the document allows and with what it forbids.

`run.py BINARY` starts the service in a directory that goes with it, and calls it twice: as nobody and as an admin. It
fails when an answer is not what `openapi.json` says.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
# Cases for each operation and phase. A seed makes a failure come again.
EXAMPLES = os.environ.get("DOORBOOK_FUZZ_EXAMPLES", "12")
SEED = os.environ.get("DOORBOOK_FUZZ_SEED", "20261125")
PATIENCE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(directory, port, admin_port):
    return {
        "PATH": os.environ["PATH"],
        "DOORBOOK__HTTP__LISTEN": f"127.0.0.1:{port}",
        "DOORBOOK__HTTP__ADMIN_LISTEN": f"127.0.0.1:{admin_port}",
        "DOORBOOK__HTTP__PUBLIC_URL": f"http://localhost:{port}",
        "DOORBOOK__DATA__DIR": directory,
        "DOORBOOK__THROTTLE__ENABLED": "false",
        "DOORBOOK__SIGNUP__VERIFY_EMAIL": "false",
    }


def until_ready(service, admin_port):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if service.poll() is not None:
            sys.exit(f"the service ended with {service.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit("the service was not ready in time")


def endless(document):
    """Operations whose answer has no end: only that they refuse can be looked at."""
    for item in document["paths"].values():
        for operation in item.values():
            answers = operation["responses"].values()
            if any("text/event-stream" in answer.get("content", {}) for answer in answers):
                yield operation["operationId"]


def call(caller, origin, binary, environment, excluded):
    command = [
        str(pathlib.Path(sys.executable).parent / "schemathesis"),
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        f"{origin}/api/openapi.json",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--request-timeout=30",
        "--max-redirects=0",
        "--continue-on-failure",
        "--suppress-health-check=all",
        "--warnings=off",
    ]
    command += [f"--exclude-operation-id={name}" for name in excluded]
    calling = {
        **environment,
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DOORBOOK_ORIGIN": origin,
        "DOORBOOK_BINARY": binary,
        "DOORBOOK_CALLER": caller,
    }
    print(f"as {caller}:", flush=True)
    return subprocess.run(command, env=calling, cwd=environment["DOORBOOK__DATA__DIR"], check=False).returncode


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory(prefix="doorbook-fuzz-") as directory:
        port, admin_port = free_port(), free_port()
        environment = settings(directory, port, admin_port)
        with open(pathlib.Path(directory) / "service.log", "w", encoding="utf-8") as log:
            service = subprocess.Popen([binary, "serve"], env=environment, cwd=directory, stdout=log, stderr=log)
        try:
            until_ready(service, admin_port)
            origin = f"http://localhost:{port}"
            with urllib.request.urlopen(f"{origin}/api/openapi.json", timeout=10) as answer:
                streams = list(endless(json.load(answer)))
            failed = [
                caller
                for caller, excluded in (("nobody", []), ("admin", streams))
                if call(caller, origin, binary, environment, excluded)
            ]
        finally:
            service.terminate()
            service.wait(PATIENCE)
    if failed:
        sys.exit(f"the contract is broken, as {' and as '.join(failed)}: each break is named above")


if __name__ == "__main__":
    main()
