/** What a webhook shows to prove that it comes from who knows the mirror's hook secret. */
export type HookProof =
  /** A signature of the body, in hexadecimal digits. */
  | { readonly kind: "signature"; readonly algorithm: "sha256" | "sha1"; readonly hex: string }
  /** The secret itself. */
  | { readonly kind: "secret"; readonly secret: string };

/** A request as a forge sends it to tell of something. */
export interface Webhook {
  /** In the forge's own word; null: it names none. */
  readonly event: string | null;
  /** Null: it shows none. */
  readonly proof: HookProof | null;
  /** What a signature may be over: the body byte for byte, and of a form the text of its one field. */
  readonly signedTexts: readonly Buffer[];
  /** What it tells, parsed. */
  readonly body: unknown;
}
