import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Somebody with an account at the issuer. */
export interface Account {
  oid: string;
  name: string;
  preferred_username: string;
  roles: string[];
}

/** What a code stands for. */
interface Grant {
  account: Account;
  redirectUri: string;
  challenge: string;
  nonce: string;
}

const KEY_ID = "journeys";

/**
 * An issuer as Entra ID is one: discovery, keys, a page where accounts are chosen, and the exchange of codes for id tokens,
 * which checks what Entra checks. It is `localhost` where the platform is `127.0.0.1`: another site to a browser.
 */
export class Issuer {
  readonly tenantId = randomUUID();
  readonly clientId = randomUUID();
  readonly clientSecret = "the-secret-of-the-journeys";
  /** Who may be chosen. */
  readonly accounts: Account[] = [];
  /** What is wrong with what came here; nothing may be. */
  readonly faults: string[] = [];
  private readonly grants = new Map<string, Grant>();
  private readonly keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  static async start(): Promise<Issuer> {
    const issuer = new Issuer();
    await new Promise<void>((resolve) => issuer.server.listen(0, "localhost", resolve));
    return issuer;
  }

  /** Where it is, as `MSP_ENTRA_AUTHORITY` names it. */
  get authority(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://localhost:${port}/`;
  }

  async end(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.authority);
    const own = `/${this.tenantId}`;
    const [, place] = url.pathname.split(own);
    if (place === "/v2.0/.well-known/openid-configuration") {
      json(response, 200, {
        issuer: `${this.authority}${this.tenantId}/v2.0`,
        ...this.endpoints(),
      });
    } else if (place === "/discovery/v2.0/keys") {
      const key = this.keys.publicKey.export({ format: "jwk" });
      json(response, 200, { keys: [{ ...key, kid: KEY_ID, use: "sig" }] });
    } else if (place === "/oauth2/v2.0/authorize") {
      html(response, this.choice(url.searchParams));
    } else if (place === "/choose") {
      redirect(response, this.chosen(url.searchParams));
    } else if (place === "/oauth2/v2.0/token") {
      this.exchange(response, new URLSearchParams(await bodyOf(request)));
    } else if (place === "/oauth2/v2.0/logout") {
      const back = url.searchParams.get("post_logout_redirect_uri") ?? "";
      html(response, page("You signed out of your account", `<a href="${escaped(back)}">Go back</a>`));
    } else {
      this.faults.push(`${request.method} ${url.pathname}`);
      json(response, 404, {});
    }
  }

  private endpoints() {
    const of = (path: string) => `${this.authority}${this.tenantId}${path}`;
    return {
      authorization_endpoint: of("/oauth2/v2.0/authorize"),
      token_endpoint: of("/oauth2/v2.0/token"),
      end_session_endpoint: of("/oauth2/v2.0/logout"),
      jwks_uri: of("/discovery/v2.0/keys"),
    };
  }

  /** The page where people say who they are. */
  private choice(asked: URLSearchParams): string {
    for (const [name, expected] of [
      ["client_id", this.clientId],
      ["response_type", "code"],
      ["code_challenge_method", "S256"],
    ] as const) {
      if (asked.get(name) !== expected) {
        this.faults.push(`${name}=${asked.get(name)}`);
      }
    }
    const to = (name: string, value: string) => {
      const query = new URLSearchParams(asked);
      query.set(name, value);
      return escaped(`/${this.tenantId}/choose?${query}`);
    };
    const accounts = this.accounts.map(({ oid, name }) => `<li><a href="${to("oid", oid)}">${escaped(name)}</a></li>`);
    return page("Pick an account", `<ul>${accounts.join("")}</ul><a href="${to("cancel", "yes")}">Cancel</a>`);
  }

  private chosen(asked: URLSearchParams): string {
    const redirectUri = asked.get("redirect_uri") ?? "";
    const to = new URL(redirectUri);
    to.searchParams.set("state", asked.get("state") ?? "");
    const account = this.accounts.find(({ oid }) => oid === asked.get("oid"));
    if (account) {
      const code = randomUUID();
      const [challenge, nonce] = [asked.get("code_challenge") ?? "", asked.get("nonce") ?? ""];
      this.grants.set(code, { account, redirectUri, challenge, nonce });
      to.searchParams.set("code", code);
      to.searchParams.set("session_state", randomUUID());
    } else {
      to.searchParams.set("error", "access_denied");
      to.searchParams.set("error_description", "AADSTS65004: User declined to consent to access the app. <b>x</b>");
    }
    return to.href;
  }

  private exchange(response: ServerResponse, form: URLSearchParams): void {
    const code = form.get("code") ?? "";
    const grant = this.grants.get(code);
    this.grants.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    if (form.get("client_id") !== this.clientId || form.get("client_secret") !== this.clientSecret) {
      json(response, 401, { error: "invalid_client", error_codes: [7000215] });
    } else if (!grant || grant.challenge !== challenge || grant.redirectUri !== form.get("redirect_uri")) {
      json(response, 400, { error: "invalid_grant", error_codes: [54005] });
    } else {
      json(response, 200, { token_type: "Bearer", expires_in: 3600, id_token: this.idToken(grant) });
    }
  }

  private idToken({ account, nonce }: Grant): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: `${this.authority}${this.tenantId}/v2.0`,
      aud: this.clientId,
      tid: this.tenantId,
      sub: `pairwise-${account.oid}`,
      ver: "2.0",
      iat: now,
      nbf: now,
      exp: now + 3600,
      nonce,
      ...account,
    };
    const parts = [{ typ: "JWT", alg: "RS256", kid: KEY_ID }, claims];
    const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), this.keys.privateKey).toString("base64url")}`;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) {
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function html(response: ServerResponse, body: string): void {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(body);
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(302, { location: to }).end();
}

function page(title: string, body: string): string {
  const head = `<meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,">`;
  return `<!doctype html><html lang="en"><head>${head}</head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
