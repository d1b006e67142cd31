// Verifies one webhook as a receiver does: `node verify.mjs SECRET < request.json`, where the request is {headers, body}.
// It prints what the body holds, or says why it is not to be trusted and ends with 1.

import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { headers, body } = JSON.parse(readFileSync(0, "utf8"));
try {
  console.log(JSON.stringify(new Webhook(process.argv[2]).verify(body, headers)));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
