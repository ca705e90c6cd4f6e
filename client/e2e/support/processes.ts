import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The program under test; `cargo xtask test` says where it was built. */
const MSP = process.env.MSP_BIN ?? new URL("../../../target/debug/msp", import.meta.url).pathname;

/** The tester's own settings must not change what is tested. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("MSP_") || name === "MSP_PYTHON");
  return { ...Object.fromEntries(own), RUST_LOG: undefined };
}

/** Runs the program to its end and answers what it printed. */
export async function finish(...args: string[]): Promise<string> {
  const { stdout } = await run(MSP, args, { env: environment() });
  return stdout.trim();
}

/** The program, running until it is told to stop. */
export class Running {
  private output = "";
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(...args: string[]) {
    this.child = spawn(MSP, args, { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => this.child.once("close", () => resolve()));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.output += data.toString();
      });
    }
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Waits for a line that it prints, and answers the first group of the pattern. */
  async line(pattern: RegExp): Promise<string> {
    return until(`a line like ${pattern}`, async () => {
      if (this.child.exitCode !== null) {
        throw new Error(`The program ended by itself:\n${this.output}`);
      }
      return pattern.exec(this.output)?.[1];
    });
  }

  /** Stops it. The second signal hurries: running executions are interrupted instead of waited for. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    this.child.kill("SIGINT");
    await this.ended;
  }

  /** Ends it without giving it a chance to say anything. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** Looks until there is something to see. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const giveUp = Date.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) {
      return seen;
    }
    if (Date.now() > giveUp) {
      throw new Error(`This did not happen within ${PATIENCE_MS / 1000} seconds: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
