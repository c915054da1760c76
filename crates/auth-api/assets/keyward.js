// Conveniences. Every page works without this script.
"use strict";

// A page from the back/forward cache may be outdated: the user may have signed out since.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

for (const button of document.querySelectorAll("button[data-shows]")) showsPassword(button);
for (const input of document.querySelectorAll("input[data-judge]")) judgesPassword(input);
for (const text of document.querySelectorAll("[data-copy]")) canBeCopied(text);
for (const form of document.forms) sendsOnce(form);
for (const time of document.querySelectorAll("time[datetime]")) showsLocalTime(time);
document.querySelector("[aria-invalid=true]")?.focus();

function showsPassword(button) {
  const input = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.addEventListener("click", () => {
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    button.textContent = show ? button.dataset.hide : button.dataset.show;
  });
  // Browsers remember what was typed into a field of plain text.
  input.form.addEventListener("submit", () => { input.type = "password"; });
}

// Shows what the server's policy says about a password, half a second after the last key press.
function judgesPassword(input) {
  const said = document.getElementById(input.id + "-judgement");
  let waiting = 0;
  let turn = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    const own = (turn += 1);
    said.textContent = "";
    if (input.value === "") return;
    waiting = setTimeout(async () => {
      const fields = new URLSearchParams({ form: input.form.elements.form.value, password: input.value });
      for (const name of ["email", "name"]) {
        const other = input.form.elements[name];
        if (other) fields.set(name, other.value);
      }
      try {
        const answer = await fetch(input.dataset.judge, { method: "POST", body: fields });
        if (!answer.ok) return;
        const judgement = await answer.json();
        if (own !== turn) return;
        said.textContent = judgement.message;
        said.classList.toggle("good", judgement.good);
      } catch {
        // The server checks the password again when the form is sent.
      }
    }, 500);
  });
}

function showsLocalTime(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  time.title = time.textContent;
  time.textContent = moment.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

function canBeCopied(text) {
  if (!navigator.clipboard) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = text.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent).catch(() => getSelection().selectAllChildren(text));
  });
  text.after(" ", button);
}

// A link and a set-up token work once: the second request of a double click would get the answer that they were used.
function sendsOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 3000);
  });
}
