import { type RawBuilder, sql } from "kysely";
import type { Hindrance } from "../domain/mirroring-switches.ts";

/**
 * Whether a row of `mirrors` may be checked and run now: it is enabled, mirroring is available for it, its project is
 * not archived and the instance is not in Silent Mode (`domain/mirroring-switches.ts`). One condition for everything
 * that schedules or starts, so that none of them forgets a switch.
 */
export function isRunnable(): RawBuilder<boolean> {
  return sql<boolean>`(mirrors.enabled
    and (select silent_mode_enabled from instance_settings) is not true
    and exists (
      select from projects
      where projects.id = mirrors.project_id and not projects.archived
        and (
          (select mirror_available from instance_settings) is not false
          or case mirrors.direction
            when 'pull' then projects.pull_mirror_available_overridden
            else projects.remote_mirror_available_overridden
          end
        )
    ))`;
}

/** Which of these switches it is; null: the row is runnable. Of several the one that reaches furthest into it. */
export function hindrance(): RawBuilder<Hindrance | null> {
  return sql<Hindrance | null>`(case
    when ${isRunnable()} then null
    when not mirrors.enabled then 'disabled'
    when (select archived from projects where projects.id = mirrors.project_id) then 'archived'
    when (select silent_mode_enabled from instance_settings) then 'silent-mode'
    else 'unavailable'
  end)`;
}
