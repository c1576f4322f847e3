// The pages at the door. Everything shown is put in as text; everything done goes over the API of this origin.

const at = (id) => document.getElementById(id);

function say(text, isFault = false) {
  at("said").textContent = text;
  at("said").classList.toggle("fault", isFault);
}

async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
    cache: "no-store",
  });
  const told = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) {
    const error = new Error(`${told.detail} ${told.hint}`);
    error.status = answer.status;
    throw error;
  }
  return told;
}

function whenAsked(id, event, act) {
  const part = at(id);
  if (!part) return;
  part.addEventListener(event, async (happened) => {
    happened.preventDefault();
    say("");
    try {
      await act(part);
    } catch (error) {
      say(error.name === "NotAllowedError" ? "Nothing was chosen. Try again when you are ready." : error.message, true);
    }
  });
}

async function useKey(path, more = {}) {
  const asked = await call("POST", path, more);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.options);
  const made = await navigator.credentials.get({ publicKey });
  return { ceremony: asked.ceremony, credential: made.toJSON() };
}

async function makeKey(path, more = {}) {
  const asked = await call("POST", path, more);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.options);
  const made = await navigator.credentials.create({ publicKey });
  return { ceremony: asked.ceremony, credential: made.toJSON() };
}

const go = (path) => window.location.assign(path);

// --- sign in

whenAsked("passkey", "click", async () => {
  const answer = await useKey("/v1/session/passkey/options");
  await call("POST", "/v1/session/passkey", { ...answer, keep: "cookie" });
  go("/account");
});

whenAsked("password", "submit", async (form) => {
  const given = Object.fromEntries(new FormData(form));
  await call("POST", "/v1/session/password", { ...given, keep: "cookie" });
  go("/account");
});

// --- enrol

let invitation = "";
let ceremony = "";

async function look(word) {
  invitation = word.trim();
  const told = await call("POST", "/v1/enrol", { invitation });
  at("who").textContent = `${told.person} of ${told.agency}`;
  at("with-password").hidden = !told.means.includes("password");
  at("with-provider").hidden = !told.means.includes("oidc");
  at("invitation").hidden = true;
  at("chosen").hidden = false;
  at("label").focus();
}

whenAsked("invitation", "submit", () => look(at("word").value));

whenAsked("make", "click", async () => {
  const answer = await makeKey("/v1/enrol/passkey/options", { invitation });
  await call("POST", "/v1/enrol/passkey", { invitation, label: at("label").value, ...answer });
  go("/sign-in");
});

whenAsked("link", "click", async () => {
  const told = await call("POST", "/v1/enrol/oidc", { invitation });
  go(told.address);
});

whenAsked("choose", "submit", async () => {
  const told = await call("POST", "/v1/enrol/password", { invitation, password: at("secret").value });
  ceremony = told.ceremony;
  at("seed").textContent = told.seed;
  at("otpauth").href = told.address;
  at("choose").hidden = true;
  at("confirm").hidden = false;
  at("code").focus();
});

whenAsked("confirm", "submit", async () => {
  await call("POST", "/v1/enrol/code", { invitation, ceremony, code: at("code").value });
  go("/sign-in");
});

if (at("invitation") && window.location.hash.length > 1) {
  const word = window.location.hash.slice(1);
  window.history.replaceState(null, "", window.location.pathname); // the word stays in no history
  look(word).catch((error) => say(error.message, true));
}

// --- account

let strength = null;

function line(list, words, remove) {
  const row = document.createElement("li");
  const text = document.createElement("span");
  text.textContent = words;
  row.append(text);
  if (remove) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "End";
    button.setAttribute("aria-label", `End ${words}`);
    button.addEventListener("click", async () => {
      try {
        await call("DELETE", remove);
        await show();
        say("Ended.");
      } catch (error) {
        say(error.message, true);
      }
    });
    row.append(button);
  }
  list.append(row);
}

const CALLED = { passkey: "passkey", oidc: "agency's account", password: "password", totp: "one-time codes", "password-totp": "password and code" };
const day = (instant) => instant.slice(0, 10);
const minute = (instant) => `${day(instant)} ${instant.slice(11, 16)} UTC`;

async function show() {
  const [me, credentials, sessions, tokens] = await Promise.all(
    ["/v1/me", "/v1/credentials", "/v1/sessions", "/v1/tokens"].map((path) => call("GET", path)),
  );
  at("me").textContent = `${me.person} of ${me.agency}: ${me.roles.join(", ")}`;
  for (const one of document.querySelectorAll(".whose")) one.value = me.person;
  at("with-password").hidden = me.strength !== "password-totp";
  for (const id of ["add", "label"]) at(id).disabled = me.strength !== "passkey"; // a weaker session adds none
  at("somebody").hidden = false;
  strength = me.strength;
  at("prove").disabled = strength === null;
  for (const id of ["credentials", "sessions", "tokens"]) at(id).replaceChildren();
  for (const one of credentials.rows)
    line(at("credentials"), `${CALLED[one.kind]} ${one.label} since ${day(one.created_at)}`, `/v1/credentials/${one.id}`);
  for (const one of sessions.rows)
    line(at("sessions"), `${one.is_this ? "here: " : ""}${CALLED[one.strength]}, ${one.agent || "a program"}, since ${minute(one.created_at)}`, one.is_this ? null : `/v1/sessions/${one.id}`);
  for (const one of tokens.rows)
    line(at("tokens"), `${one.label} (${one.person}): ${one.scope.join(", ")}, until ${day(one.expires_at)}`, `/v1/tokens/${one.id}`);
  if (!tokens.rows.length) line(at("tokens"), "None.", null);
}

const proved = (told) => say(`Proved until ${told.fresh_until.slice(11, 19)} UTC.`);

whenAsked("prove", "click", async () => {
  if (strength === "oidc") {
    go((await call("POST", "/v1/session/proof/oidc", {})).address);
  } else if (strength === "password-totp") {
    at("anew").hidden = false;
    at("secret").focus();
  } else {
    proved(await call("POST", "/v1/session/proof", await useKey("/v1/session/proof/options")));
  }
});

whenAsked("anew", "submit", async (form) => {
  proved(await call("POST", "/v1/session/proof", Object.fromEntries(new FormData(form))));
  form.reset();
  form.hidden = true;
});

whenAsked("change", "submit", async (form) => {
  const { present, code, new: another } = Object.fromEntries(new FormData(form));
  const told = await call("POST", "/v1/password", { present, code, new: another, end_others: at("others").checked });
  form.reset();
  await show();
  say(`Changed. Other sessions ended: ${told.ended}.`);
});

whenAsked("add", "click", async () => {
  const answer = await makeKey("/v1/credentials/options");
  await call("POST", "/v1/credentials", { ...answer, label: at("label").value });
  await show();
  say("Added.");
});

whenAsked("out", "click", async () => {
  await call("DELETE", "/v1/session");
  go("/sign-in");
});

whenAsked("out-everywhere", "click", async () => {
  await call("DELETE", "/v1/sessions");
  go("/sign-in");
});

function nobody() {
  at("somebody").hidden = true;
  at("nobody").hidden = false;
}

if (at("credentials")) {
  show().catch((error) => (error.status === 401 ? nobody() : say(error.message, true)));
}
