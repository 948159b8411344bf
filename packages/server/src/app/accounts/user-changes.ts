/** What an admin may change of a user; what is left out stays. */
export interface UserChanges {
  readonly username?: string;
  readonly name?: string;
  readonly email?: string;
  readonly isAdmin?: boolean;
}

/** Which users are listed. */
export interface UserQuery {
  /** The one with this user name. */
  readonly username?: string;
  /** A part of the user name or the name; for admins a whole address too. */
  readonly search?: string;
  readonly state?: "active" | "blocked";
  readonly admins?: boolean;
  readonly withBots?: boolean;
}
