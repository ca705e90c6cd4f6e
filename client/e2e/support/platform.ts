import { chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { components } from "../../src/types/api.ts";
import type { Issuer } from "./issuer";
import { finish, Running, until } from "./processes";

const REPOSITORY = new URL("../../../", import.meta.url).pathname;
/** Packages of the examples are left out: nothing here needs them, and the others must not wait for them. */
const LEFT_OUT = /\/(requirements\.txt|tests|\.venv|__pycache__)(\/|$)/;

/** A client organization of the demo. */
export type Name = "Contoso" | "Fabrikam" | "Northwind";

type Parts = { folder: string; simulator: Running; simulatorUrl: string; server: Running };

/** The real program over a folder of its own: demo organizations, simulated services, and workflows for journeys. */
export class Platform {
  /** Where it answers. */
  readonly url: string;
  private readonly parts: Parts;
  private readonly organizations: Map<string, string>;
  private token: string | undefined;

  private constructor(parts: Parts, url: string, seeded: string) {
    this.parts = parts;
    this.url = url;
    this.organizations = new Map(
      seeded.split("\n").map((line) => {
        const [id = "", name = ""] = line.trim().split(/\s+/);
        return [name, id];
      }),
    );
  }

  /**
   * Starts everything and waits until runs are accepted. Without extremes there are only the workflows of the examples; with
   * an issuer people sign in there, instead of with links.
   */
  static async start({ extremes = true, issuer }: { extremes?: boolean; issuer?: Issuer } = {}): Promise<Platform> {
    const folder = await mkdtemp(join(tmpdir(), "msp-journeys-"));
    // Workers run as somebody else and must reach their part of it.
    await chmod(folder, 0o755);
    await cp(join(REPOSITORY, "workflows"), join(folder, "workspace"), {
      recursive: true,
      filter: (path) => !LEFT_OUT.test(path),
    });
    if (extremes) {
      await cp(join(REPOSITORY, "client/e2e/workspace"), join(folder, "workspace"), { recursive: true });
    }
    const simulator = new Running("simulate", "--listen", "127.0.0.1:0", "--state", join(folder, "simulator"));
    const address = await simulator.line(/The simulator listens on (\S+)/);
    const seeded = await finish("seed", "--simulator", address, ...places(folder));
    const settings = issuer ? await settingsFor(issuer, folder) : [];
    const server = new Running("serve", "--listen", "127.0.0.1:0", "--no-sign-in-link", ...places(folder), ...settings);
    const url = await whenReady(folder, server);
    return new Platform({ folder, simulator, simulatorUrl: `http://${address}`, server }, url, seeded);
  }

  /** The id of an organization. */
  org(name: Name): string {
    const id = this.organizations.get(name);
    if (id === undefined) {
      throw new Error(`The demo has no organization ${name}`);
    }
    return id;
  }

  /** A link that signs in once: the administrator's unless another address is given. */
  link(email?: string): Promise<string> {
    return this.msp("user", "link", ...(email === undefined ? [] : [email]));
  }

  /** Adds somebody with these rights, such as `Contoso=execute_workflows`. */
  async addUser(email: string, name: string, ...grants: string[]): Promise<void> {
    await this.msp("user", "add", email, "--name", name, ...grants.flatMap((grant) => ["--grant", grant]));
  }

  /** Runs a command on this installation. */
  msp(...args: string[]): Promise<string> {
    return finish(...args, ...places(this.parts.folder));
  }

  /** Asks the API as the administrator; for what a journey needs to find, not for what it is about. */
  async api<T>(method: string, path: string, { org, body }: { org?: Name; body?: unknown } = {}): Promise<T> {
    this.token ??= await this.msp("token");
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}`, prefer: "respond-async" };
    if (org !== undefined) {
      headers["x-organization-id"] = this.org(org);
    }
    if (body !== undefined) {
      headers["content-type"] = "application/json";
    }
    const response = await fetch(this.url + path, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    }
    return response.json();
  }

  /** Starts a run as the administrator and answers its id. */
  async run(workflow: string, org: Name, body: Record<string, unknown> = {}): Promise<string> {
    const accepted = await this.api<{ execution_id: string }>("POST", `/workflows/${workflow}`, { org, body });
    return accepted.execution_id;
  }

  /** An execution as it is on record. */
  async execution(id: string): Promise<components["schemas"]["ExecutionView"]> {
    return this.api("GET", `/api/executions/${id}`);
  }

  /** How an execution stands. */
  async status(id: string): Promise<string> {
    return (await this.execution(id)).status;
  }

  /** Whether the simulated tenants have this user. */
  async hasUser(principalName: string): Promise<boolean> {
    const state = await (await fetch(`${this.parts.simulatorUrl}/_simulator/state`)).text();
    return state.includes(`"${principalName}"`);
  }

  /** Kills the server in the middle of whatever it does. */
  killServer(): Promise<void> {
    return this.parts.server.kill();
  }

  /** Starts the server again, at the same address. */
  async startServer(): Promise<void> {
    const { host } = new URL(this.url);
    this.parts.server = new Running("serve", "--listen", host, "--no-sign-in-link", ...places(this.parts.folder));
    await whenReady(this.parts.folder, this.parts.server);
  }

  /** Stops everything and removes the folder. */
  async end(): Promise<void> {
    await this.parts.server.stop();
    await this.parts.simulator.stop();
    await rm(this.parts.folder, { recursive: true, force: true });
  }
}

/** What makes a server send people to an issuer. */
async function settingsFor(issuer: Issuer, folder: string): Promise<string[]> {
  const [secret, file] = [join(folder, "client-secret"), join(folder, "settings.json")];
  await writeFile(secret, issuer.clientSecret, { mode: 0o600 });
  const values = {
    AzureAd__TenantId: issuer.tenantId,
    AzureAd__ClientId: issuer.clientId,
    MSP_ENTRA_CLIENT_SECRET_FILE: secret,
    MSP_ENTRA_AUTHORITY: issuer.authority,
  };
  await writeFile(file, JSON.stringify({ Values: values }));
  return ["--settings", file];
}

function places(folder: string): string[] {
  return ["--data", join(folder, "data"), "--workspace", join(folder, "workspace")];
}

async function whenReady(folder: string, server: Running): Promise<string> {
  return until("the server answers", async () => {
    const text = await readFile(join(folder, "data/server.json"), "utf8").catch(() => undefined);
    const announced = text === undefined ? undefined : JSON.parse(text);
    if (announced?.pid !== server.pid) {
      return undefined;
    }
    const response = await fetch(`${announced.url}/readyz`).catch(() => undefined);
    return response?.ok ? String(announced.url) : undefined;
  });
}
