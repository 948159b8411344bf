import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { PasswordHasher } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { createSlots } from "../slots.ts";

const argon2id = promisify(argon2.bind(null, "argon2id"));

/**
 * The one of OWASP's equally strong choices for argon2id that takes least memory: 7 MiB, five passes, one lane. Anybody
 * may have passwords tried, and the memory of each try stays with the process. Stored with each hash, so it may change.
 */
const COST = { memory: 7_168, passes: 5, parallelism: 1 } as const;
const SALT_BYTES = 16;
const TAG_BYTES = 32;

const PHC =
  /^\$argon2id\$v=19\$m=(?<memory>\d+),t=(?<passes>\d+),p=(?<lanes>\d+)\$(?<salt>[A-Za-z0-9+/]+)\$(?<tag>[A-Za-z0-9+/]+)$/;

/** One after the other: tries in parallel would each take the memory and the cores of everything else. */
const slots = createSlots(1);

/** Those who wait for their turn; each takes some 20 ms, so that this is a wait of seconds. More are sent away. */
const MOST_WAITING = 100;
let waiting = 0;
const BUSY_RETRY_SECONDS = 5;

/** Hashes passwords with argon2id into the PHC string form (`$argon2id$v=19$m=…,t=…,p=…$salt$tag`). */
export function createPasswordHasher(): PasswordHasher {
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const tag = await derive(password, salt, COST, TAG_BYTES);
      const { memory, passes, parallelism } = COST;
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
    },
    async verify(password, hash) {
      const parts = PHC.exec(hash)?.groups;
      if (!parts?.["salt"] || !parts["tag"]) {
        throw new HeliostatError("bug", "a stored password hash is malformed");
      }
      const expected = Buffer.from(parts["tag"], "base64");
      const cost = {
        memory: Number(parts["memory"]),
        passes: Number(parts["passes"]),
        parallelism: Number(parts["lanes"]),
      };
      const actual = await derive(password, Buffer.from(parts["salt"], "base64"), cost, expected.length);
      return timingSafeEqual(actual, expected);
    },
  };
}

async function derive(
  password: string,
  salt: Buffer,
  cost: { memory: number; passes: number; parallelism: number },
  tagLength: number,
): Promise<Buffer> {
  if (waiting >= MOST_WAITING) {
    throw new HeliostatError(
      "too-many-sign-ins",
      "Too many people sign in at this moment. Try again in a few seconds.",
      { retryAfterSeconds: BUSY_RETRY_SECONDS },
    );
  }
  waiting += 1;
  const giveBack = await slots.take();
  try {
    return await argon2id({ message: Buffer.from(password, "utf8"), nonce: salt, tagLength, ...cost });
  } finally {
    giveBack();
    waiting -= 1;
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
