import assert from "node:assert/strict";
import { test } from "node:test";
import { createStreamPlaces } from "./stream-places.ts";

const TOO_MANY = { code: "too-many-streams" };

test("a user has so many streams, and all together; one that ends makes room", () => {
  const places = createStreamPlaces({ total: 3, ofUser: 2 });
  const first = new AbortController();
  const { signal } = new AbortController();
  places.take(1, first.signal);
  places.take(1, signal);
  assert.throws(() => places.take(1, signal), TOO_MANY, "two are all that one user may have");
  places.take(2, signal);
  assert.throws(() => places.take(3, signal), TOO_MANY, "three are all that there are");
  first.abort();
  places.take(1, signal);
  assert.throws(() => places.take(3, signal), TOO_MANY);
});

test("who is gone already takes no place", () => {
  const places = createStreamPlaces({ total: 1, ofUser: 1 });
  places.take(1, AbortSignal.abort());
  places.take(1, new AbortController().signal);
});
