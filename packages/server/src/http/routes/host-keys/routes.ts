import {
  hostKeyAcceptanceParams,
  hostKeyDetectionParams,
  hostKeyDetectionSchema,
  hostKeyReviewParams,
  hostKeyReviewSchema,
  publicKeySchema,
} from "@heliostat/contract/api/host-keys.ts";
import { mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { withStatus } from "../../api-answer.ts";
import { apiRoute, ok } from "../../api-route.ts";
import { presentMirror } from "../mirrors/present.ts";
import { presentDetection, presentPublicKey, presentReview } from "./present.ts";

const ONE = "/projects/:id/mirrors/:mirror_id";

/** Host keys, detected and reviewed, and public keys: what GitLab has in its web interface only. */
export const hostKeyRoutes = [
  apiRoute({
    method: "GET",
    path: "/projects/:id/mirrors/ssh_host_keys",
    // It makes the server speak to another one.
    access: "api",
    summary: "Ask an SSH server for its host keys",
    params: hostKeyDetectionParams,
    answer: hostKeyDetectionSchema,
    handle: async ({ useCases, principal, params }) => {
      const wish = { url: params.ssh_url, compareWith: params.compare_host_keys ?? "", wait: true };
      const detection = await useCases.detectHostKeys(principal, params.id, wish);
      switch (detection.kind) {
        case "found":
          return ok(presentDetection(detection));
        case "refused":
          throw new HeliostatError("model-invalid", `Invalid URL: ${detection.reason}`);
        case "failed":
          throw new HeliostatError("model-invalid", `Failed to detect SSH host keys: ${detection.reason}`);
        case "scanning":
          throw new HeliostatError("bug", "a scan that was waited for has not ended");
      }
    },
  }),
  apiRoute({
    method: "GET",
    path: `${ONE}/host_keys/review`,
    access: "api",
    summary: "Compare the stored host keys of a mirror with those that its server shows",
    params: hostKeyReviewParams,
    answer: hostKeyReviewSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentReview(await useCases.reviewHostKeys(principal, params.id, params.mirror_id))),
  }),
  apiRoute({
    method: "POST",
    path: `${ONE}/host_keys/accept`,
    access: "api",
    summary: "Accept the host keys that the server of a mirror shows",
    params: hostKeyAcceptanceParams,
    answer: withStatus(200, mirrorSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      // A form turns `+` into spaces.
      const fingerprints = params.fingerprints.map((fingerprint) => fingerprint.replaceAll(" ", "+"));
      const { id, mirror_id } = params;
      const view = await useCases.acceptHostKeys(principal, id, mirror_id, fingerprints);
      return ok(presentMirror(view, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${ONE}/public_key`,
    access: "read_api",
    summary: "Show the public SSH key of a mirror",
    params: hostKeyReviewParams,
    answer: publicKeySchema,
    handle: async ({ useCases, principal, params }) => {
      const { mirror } = await useCases.findMirror(principal, params.id, params.mirror_id);
      return ok(presentPublicKey(mirror));
    },
  }),
];
