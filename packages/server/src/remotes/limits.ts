/** What a remote may cost us at most. Times are milliseconds. */
export interface RemoteLimits {
  /** For looking the host up. */
  readonly resolveMs: number;
  /** For one connection, its TLS handshake included. */
  readonly connectMs: number;
  /** Without a byte arriving. */
  readonly idleMs: number;
  /** For an SSH handshake, from the connection to being signed in. */
  readonly handshakeMs: number;
  /** For one listing from end to end. */
  readonly totalMs: number;
  /** For a push: without a byte moving, while the remote is to take or to say something. */
  readonly pushIdleMs: number;
  /** Of one answer, as received and again after decompression. */
  readonly answerBytes: number;
  readonly refs: number;
  /** How long a host's checked addresses are used before it is looked up again. */
  readonly addressesMs: number;
  /** How long a remote's protocol capabilities are used before the full handshake is made again. */
  readonly capabilitiesMs: number;
  /** Parallel connections to one origin. */
  readonly connectionsPerOrigin: number;
  /** And for large pushes. */
  readonly uploadsPerOrigin: number;
}

/** `resolveMs` is GitLab's; `pushIdleMs` leaves time for hooks. 256 MiB hold about four million refs. */
export const DEFAULT_LIMITS: RemoteLimits = {
  resolveMs: 15_000,
  connectMs: 10_000,
  idleMs: 30_000,
  handshakeMs: 20_000,
  totalMs: 120_000,
  pushIdleMs: 120_000,
  answerBytes: 256 * 1024 * 1024,
  refs: 1_000_000,
  addressesMs: 30_000,
  capabilitiesMs: 600_000,
  connectionsPerOrigin: 8,
  uploadsPerOrigin: 64,
};
