// Says why a login by an identity provider did not work out. The address only chooses among sentences of this file and names
// of the configuration: nothing of it is shown, since anybody can write a link to here.
"use strict";

const SENTENCES = {
  "state-invalid": "That login was begun in another browser, was used already, or took more than ten minutes. Begin again.",
  "provider-refused": "It was not agreed to there, or the answer does not prove who you are. You can choose again.",
  "provider-down": "The identity provider does not answer. Try again later, or come in another way.",
  "email-needed": "No address came with it that is known to be yours. Log in or sign up with an address; the account is linked then.",
  "proof-needed": "Somebody has that address here. Log in to that account; the two are linked then.",
  "address-taken": "Somebody has that address here. Log in to that account, and link the two in its settings.",
  "linked-to-another": "That account is linked to somebody else here.",
  "not-linked": "That account is linked to nobody here.",
  "account-inactive": "That account has been shut.",
  "not-admitted": "That account is not admitted here.",
  "sign-up-closed": "Nobody can sign up here by themselves.",
  "last-way-in": "It is the only way in to that account. Set a password first.",
};

async function explain() {
  const asked = new URLSearchParams(location.search);
  const error = asked.get("social_error");
  if (!error) return;
  const place = document.getElementById("problem");
  const sentence = Object.hasOwn(SENTENCES, error) ? SENTENCES[error] : "That login did not work out.";
  place.textContent = sentence;
  place.hidden = false;
  const { providers } = await (await fetch("/api/config")).json();
  const provider = providers.find(({ id }) => id === asked.get("provider"));
  if (provider) place.textContent = `Login with ${provider.name}: ${sentence}`;
}

explain().catch(() => {
  // The sentence stands there without the provider's name.
});
