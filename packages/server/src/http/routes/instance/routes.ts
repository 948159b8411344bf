import {
  instanceHostKeySchema,
  type MetadataAnswer,
  metadataSchema,
  type VersionAnswer,
  versionSchema,
} from "@heliostat/contract/api/instance.ts";
import { noParams } from "@heliostat/contract/api/parameters.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, ok, pageOf } from "../../api-route.ts";
import { presentOwnHostKey } from "./present.ts";

/** What this server is. */
export const instanceRoutes = [
  apiRoute({
    method: "GET",
    path: "/version",
    access: "read_api",
    summary: "Show the version",
    params: noParams,
    answer: versionSchema,
    handle: async ({ useCases }) => {
      const { version, revision } = useCases.readVersion();
      const answer: VersionAnswer = { version, revision };
      return ok(answer);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/metadata",
    access: "read_api",
    summary: "Show the version and what the server is",
    params: noParams,
    answer: metadataSchema,
    handle: async ({ useCases }) => {
      const { version, revision } = useCases.readVersion();
      const answer: MetadataAnswer = {
        version,
        revision,
        kas: { enabled: false, externalUrl: null, version: null },
        // Pull mirrors are of the paid edition there, and clients look here before they use them.
        enterprise: true,
      };
      return ok(answer);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/ssh_host_keys",
    access: "anyone",
    summary: "List the host keys of this server",
    params: noParams,
    answer: listOf(instanceHostKeySchema),
    handle: async ({ useCases }) => {
      const door = useCases.readSshDoor();
      return pageOf(
        (door?.keys ?? []).map((key) => presentOwnHostKey(key, door?.host ?? "")),
        { page: 1, perPage: 100 },
      );
    },
  }),
];
