import type { Command } from "commander";
import { z } from "zod";
import { connect } from "../../connection/api-access.ts";
import { queryOf } from "../../parse-options.ts";
import { plain } from "../../terminal/plain.ts";

/** As many as a person looks through. */
const MOST = 100;

/** Where there are things with names. */
const LISTS = {
  project: {
    path: "/projects",
    nameOf: z.object({ path_with_namespace: z.string() }).transform((each) => each.path_with_namespace),
  },
  group: {
    path: "/groups",
    nameOf: z.object({ full_path: z.string() }).transform((each) => each.full_path),
  },
  user: {
    path: "/users",
    nameOf: z.object({ username: z.string() }).transform((each) => each.username),
  },
} as const;

/** Declares what completion scripts call. Whatever goes wrong, nothing is offered: nobody reads an error there. */
export function declareCompleteNames(command: Command): void {
  command
    .argument("<kind>", Object.keys(LISTS).join(", "))
    .argument("[prefix]", "what the names begin with")
    .addHelpText("after", "\nExample:\n  heliostat complete-names project team/")
    .action(async (kind: string, prefix = "") => {
      const list = Object.entries(LISTS).find(([name]) => name === kind)?.[1];
      if (list === undefined) return;
      // The server looks for a text in the last part of a path.
      const search = prefix.slice(prefix.lastIndexOf("/") + 1) || undefined;
      const found = await connect({})
        .then((api) => api.list(`${list.path}${queryOf({ search })}`, MOST))
        .catch(() => []);
      const names = found.flatMap((each) => list.nameOf.safeParse(each).data ?? []).map(plain);
      for (const name of names.filter((each) => each.startsWith(prefix))) console.log(name);
    });
}
