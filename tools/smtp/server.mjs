// A mail server for one test: `node server.mjs DIRECTORY PORT [key=value …]`.
//
// It puts each message that it accepts into DIRECTORY as N.json: {from, to, secure, user, data}. It prints `ready` once it
// listens, and ends with its standard input, so that nothing is left behind.
//
//   tls=none|starttls|implicit   how connections are encrypted; with a certificate for localhost in DIRECTORY/ca.pem
//   user=NAME password=SECRET    who may send
//   reject=ADDRESS               is refused with 550
//   delay=MILLISECONDS           before the word that a message was taken

import { readFileSync, writeFileSync, renameSync, existsSync } from "node:fs";
import { join } from "node:path";
import selfsigned from "selfsigned";
import { SMTPServer } from "smtp-server";

const [directory, port, ...pairs] = process.argv.slice(2);
const settings = Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2)));
const tls = settings.tls ?? "none";

/** A certificate for localhost that outlives a restart of this server. */
async function certificate() {
  const [key, cert] = [join(directory, "key.pem"), join(directory, "ca.pem")];
  if (!existsSync(cert)) {
    const made = await selfsigned.generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      algorithm: "sha256",
      extensions: [
        { name: "basicConstraints", cA: false },
        { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
      ],
    });
    writeFileSync(key, made.private);
    writeFileSync(cert, made.cert);
  }
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

function read(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    stream.on("error", reject);
  });
}

let taken = 0;
while (existsSync(join(directory, `${taken}.json`))) taken += 1;

function keep(message) {
  const file = join(directory, `${taken}.json`);
  taken += 1;
  writeFileSync(`${file}.part`, JSON.stringify(message));
  renameSync(`${file}.part`, file);
}

const server = new SMTPServer({
  ...(tls === "none" ? {} : await certificate()),
  secure: tls === "implicit",
  hideSTARTTLS: tls !== "starttls",
  authOptional: settings.user === undefined,
  disabledCommands: settings.user === undefined ? ["AUTH"] : [],
  closeTimeout: 100,
  onAuth({ username, password }, session, callback) {
    const right = username === settings.user && password === settings.password;
    callback(right ? null : new Error("wrong"), right ? { user: username } : undefined);
  },
  onRcptTo({ address }, session, callback) {
    if (address !== settings.reject) return callback();
    callback(Object.assign(new Error(`5.1.1 <${address}> is nobody`), { responseCode: 550 }));
  },
  async onData(stream, session, callback) {
    const data = await read(stream);
    const { mailFrom, rcptTo } = session.envelope;
    const to = rcptTo.map(({ address }) => address);
    keep({ from: mailFrom.address, to, secure: session.secure, user: session.user ?? null, data });
    setTimeout(callback, Number(settings.delay ?? 0));
  },
});
// A client that breaks off is none of the server's business.
server.on("error", () => {});
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
process.stdin.resume().on("close", () => process.exit(0));
