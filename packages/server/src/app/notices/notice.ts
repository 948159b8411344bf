import type { Project } from "../../domain/project.ts";
import { fullPathOf } from "../../domain/project.ts";
import type { User } from "../../domain/user.ts";
import type { Mail } from "../ports.ts";

/** What a mail says, in parts; `writeMails` makes the text and the HTML of it. */
export interface Notice {
  /** After the project's name, in GitLab's words where it has any. */
  readonly subject: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "facts"; readonly rows: readonly (readonly [label: string, value: string])[] }
  | {
      readonly kind: "list";
      readonly title: string;
      readonly items: readonly ListItem[];
      readonly more: number;
    };

export interface ListItem {
  readonly name: string;
  readonly text: string;
  readonly hint: string | null;
}

/** What a mail is about. */
export interface Topic {
  /** Before the subject. */
  readonly name: string;
  readonly link: string;
  /** Why the reader gets it. */
  readonly footer: string;
}

/** One mail about a project for each of these people, as `writeNotices`. */
export function writeMails(
  externalUrl: string,
  project: Project,
  people: readonly User[],
  notice: Notice,
): readonly Mail[] {
  const path = fullPathOf(project);
  const footer = `You get this mail because you look after ${path}. You are told again when this changes.`;
  return writeNotices({ name: project.name, link: `${externalUrl}/${path}`, footer }, people, notice);
}

/** One mail for each of these people. Names and words of others are text in it and nothing else, wherever they stand. */
export function writeNotices(
  { name, link, footer }: Topic,
  people: readonly User[],
  notice: Notice,
): readonly Mail[] {
  const subject = `${oneLine(name)} | ${notice.subject}`;
  const text = `${[...notice.blocks.map(textOf), link, footer].join("\n\n")}\n`;
  const html = [
    "<!DOCTYPE html>",
    `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head><body>`,
    ...notice.blocks.map(htmlOf),
    `<p><a href="${escapeHtml(link)}">${escapeHtml(link)}</a></p>`,
    `<p><small>${escapeHtml(footer)}</small></p>`,
    "</body></html>",
    "",
  ].join("\n");
  return people
    .filter((person) => person.email !== "")
    .map((person) => ({ recipient: person.email, subject, text, html }));
}

function textOf(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return plain(block.text);
    case "facts":
      return block.rows.map(([label, value]) => `${label}: ${plain(value)}`).join("\n");
    case "list":
      return [
        `${block.title}:`,
        ...block.items.map(
          ({ name, text, hint }) =>
            `- ${oneLine(name)}: ${oneLine(text)}${hint === null ? "" : `\n  ${oneLine(hint)}`}`,
        ),
        ...(block.more > 0 ? [moreOf(block.more)] : []),
      ].join("\n");
  }
}

function htmlOf(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return `<p>${escapeHtml(block.text)}</p>`;
    case "facts": {
      const rows = block.rows.map(
        ([label, value]) =>
          `<tr><th align="left" valign="top">${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`,
      );
      return `<table>${rows.join("")}</table>`;
    }
    case "list": {
      const items = block.items.map(
        ({ name, text, hint }) =>
          `<li><code>${escapeHtml(name)}</code>: ${escapeHtml(text)}${hint === null ? "" : `<br>${escapeHtml(hint)}`}</li>`,
      );
      const more = block.more > 0 ? `<p>${moreOf(block.more)}</p>` : "";
      return `<p>${escapeHtml(block.title)}:</p><ul>${items.join("")}</ul>${more}`;
    }
  }
}

function moreOf(count: number): string {
  return `and ${count} more.`;
}

/** As one line without control characters: fit for a header, and for a line that is to stay one. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u2028\u2029\s]+/gu, " ")
    .trim();
}

/** Without control characters; lines stay lines. */
function plain(text: string): string {
  return text.toWellFormed().replaceAll(/[^\P{Cc}\n\t]/gu, "");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return plain(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
