declare const brand: unique symbol;

/** A remote's URL without credentials, of an allowed scheme, fit to be handed to git. Only `parseRemoteUrl` makes one. */
export type RemoteUrl = string & { readonly [brand]: "RemoteUrl" };
