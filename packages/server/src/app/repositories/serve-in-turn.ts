import type { Principal } from "../../domain/user.ts";
import type { GitExchange } from "../git-exchange.ts";
import type { OpenRepository } from "../use-cases.ts";
import { type ClientQueue, type ClientWork, clientOf } from "./client-queue.ts";

/** The same repository; what needs a git waits until there is a place for one. */
export function serveInTurn(
  queue: ClientQueue,
  principal: Principal,
  repository: OpenRepository,
): OpenRepository {
  const client = clientOf(principal);
  async function within<T>(work: ClientWork, exchange: GitExchange, serve: () => Promise<T>): Promise<T> {
    const giveBack = await queue.enter(work, client, exchange.whileWaiting ?? exchange.signal);
    try {
      return await serve();
    } finally {
      giveBack();
    }
  }
  return {
    advertise: (exchange) => within("refs", exchange, () => repository.advertise(exchange)),
    converse: (program, input, output, exchange) =>
      within("packs", exchange, () => repository.converse(program, input, output, exchange)),
    serve: (input, output, exchange) =>
      within("packs", exchange, () => repository.serve(input, output, exchange)),
  };
}
