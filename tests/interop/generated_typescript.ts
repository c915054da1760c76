// Calls Keyward with the types that openapi-typescript generated from its OpenAPI document.
// usage: node generated_typescript.js ORIGIN
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[] };
const client = createClient<paths>({ baseUrl: process.argv[2] });
const account = { email: "third@example.com", password: "violet kettle 41 harbour" };
const { data, error } = await client.POST("/api/v1/auth/register", { body: account });
if (!data || !("access_token" in data)) throw new Error(`not registered: ${JSON.stringify(error ?? data)}`);
const { data: me } = await client.GET("/api/v1/auth/me", { headers: { authorization: `Bearer ${data.access_token}` } });
if (me?.email !== account.email) throw new Error("the API returned another user");
console.log("openapi-typescript: registered, signed in, read");
