/**
 * What the page of the API does by itself: it searches, opens what the address names, and is used by keyboard. `/`:
 * search; arrows: from endpoint to endpoint; Enter: opens the first that is found; Escape: all again.
 */
export const PAGE_SCRIPT = `
"use strict";
const search = document.getElementById("search");
const found = document.getElementById("found");
const endpoints = [...document.querySelectorAll("details")];
const sections = [...document.querySelectorAll("main section")];
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));

function filter() {
  const words = search.value.toLowerCase().split(/\\s+/).filter((word) => word !== "");
  let count = 0;
  for (const endpoint of endpoints) {
    const fits = words.every((word) => endpoint.dataset.words.includes(word));
    endpoint.hidden = !fits;
    if (fits) count += 1;
  }
  for (const section of sections) {
    const isEmpty = !section.querySelector("details:not([hidden])");
    section.hidden = isEmpty;
    links.get(section.id).parentElement.hidden = isEmpty;
  }
  document.body.classList.toggle("searching", words.length > 0);
  found.hidden = words.length === 0;
  found.textContent = count === 0
    ? "Nothing has all of these words. Try fewer, or a part of one."
    : count === 1 ? "1 endpoint" : count + " endpoints";
}

function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) {
    search.value = "";
    filter();
    named.open = true;
    named.scrollIntoView({ block: "start" });
  }
}

const shown = () => endpoints.filter((endpoint) => !endpoint.hidden).map((endpoint) => endpoint.querySelector("summary"));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const active = document.activeElement;
  if (event.key === "/" && active !== search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && active === search) {
    search.value = "";
    filter();
  } else if (event.key === "Enter" && active === search) {
    const first = shown()[0];
    if (first) {
      first.parentElement.open = true;
      first.focus();
    }
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const all = shown();
    const at = all.indexOf(active);
    if (at === -1 && active !== search) return;
    event.preventDefault();
    const next = event.key === "ArrowDown" ? all[at + 1] : at < 1 ? search : all[at - 1];
    if (next) next.focus();
  }
});
search.addEventListener("input", filter);
addEventListener("hashchange", openNamed);
document.querySelector("main").addEventListener("toggle", (event) => {
  const { target } = event;
  if (target instanceof HTMLDetailsElement && target.open) history.replaceState(null, "", "#" + target.id);
}, true);
if (search.value !== "") filter();
openNamed();
`;
