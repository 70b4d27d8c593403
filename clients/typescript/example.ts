// What docs/api.md shows; the types are checked by a test.
import createClient from "openapi-fetch";
import type { paths } from "./osusume";

export async function home(url: string, userId: string, signed: typeof fetch): Promise<string[]> {
  const api = createClient<paths>({ baseUrl: url, fetch: signed }); // signed: of aws4fetch, or a proxy that signs
  const { data, error } = await api.GET("/v1/users/{userId}/recommendations", {
    params: { path: { userId }, query: { placement: "home" } },
  });
  if (error) throw new Error(error.detail);
  return data.items.map((item) => item.itemId);
}
