import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { LogLine } from "@/shared/live/liveEvents";
import { ALL_RIGHTS, CONTOSO, FABRIKAM, renderPage, someone } from "@/shared/testing/render";
import ExecutionPage from "./ExecutionPage";
import type { Execution } from "./execution";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
beforeEach(() => {
  // Nothing has a size here; the log renders what fits into its box.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1_000);
});
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const ID = "0197c1c8-7a4e-7c41-9e0b-000000000001";
const me = someone();

/** A run as it travels: of the input the description says only that it is an object. */
type Sent = Omit<Execution, "input"> & { input: Record<string, unknown> };

const base: Sent = {
  id: ID,
  org_id: CONTOSO.id,
  workflow_name: "user_onboarding",
  executed_by: me.user.id,
  executed_by_name: "Ada",
  trigger: "api",
  status: "Success",
  started_at: "2026-11-25T10:00:00Z",
  completed_at: "2026-11-25T10:00:04Z",
  duration_ms: 4_000,
  input: { email: "grace@example.com" },
  result: { user_id: "42" },
  steps: [],
  logs_through: 0,
  epoch: 1,
  bundle_hash: "b".repeat(64),
  timeout_seconds: 1_800,
};

const failed: Sent = {
  ...base,
  status: "Failed",
  result: null,
  error_type: "ValueError",
  error_message: "the mailbox did not answer",
  steps: [step(1, "Look up", "Success"), step(2, "Create mailbox", "Failed", "ValueError: no answer")],
};

const traceback = line(3, {
  level: "error",
  source: "traceback",
  message: 'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: the mailbox did not answer\n',
});

function step(seq: number, name: string, status: Execution["status"], error: string | null = null) {
  const at = `2026-11-25T10:00:0${seq}Z`;
  return { seq, name, status, started_at: at, ended_at: at, duration_ms: 800, error_message: error };
}

function line(seq: number, changes: Partial<LogLine> = {}): LogLine {
  return { seq, at: "2026-11-25T10:00:01Z", level: "info", source: "print", message: `line ${seq}`, ...changes };
}

type Event = [name: string, data: unknown];

/** Has the server know this run. Its stream says what it is told to; `become` changes what stands on record. */
function serve(first: Sent, lines: LogLine[] = [], repeats: Pick<Sent, "id" | "started_at">[] = []) {
  let execution = first;
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  const organizations: (string | null)[] = [];
  const send = (...events: Event[]) => {
    const text = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("");
    stream?.enqueue(new TextEncoder().encode(text));
  };
  const isOver = () => execution.status !== "Running" && execution.status !== "Pending";
  const known = (request: Request) => {
    const organization = request.headers.get("X-Organization-Id");
    organizations.push(organization);
    return organization === null || organization === execution.org_id;
  };
  const refusal = HttpResponse.json(
    { type: "/problems/not-found", title: "No such thing here", status: 404 },
    { status: 404 },
  );
  server.use(
    http.get(`*/api/executions/${ID}`, ({ request }) =>
      known(request) ? HttpResponse.json(execution) : refusal.clone(),
    ),
    http.get("*/api/executions", ({ request }) => {
      const isAsked = new URL(request.url).searchParams.get("retry_of") === ID;
      return HttpResponse.json({ items: isAsked ? repeats : [], next_cursor: null });
    }),
    http.get(`*/api/executions/${ID}/logs`, ({ request }) => {
      if (request.headers.get("accept") !== "text/event-stream") {
        return HttpResponse.json({ items: [], status: execution.status, logs_through: 0 });
      }
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          stream = controller;
          send(["status", { status: execution.status }], ...lines.map((line): Event => ["log", line]));
          if (isOver()) {
            send(["end", { status: execution.status }]);
            controller.close();
          }
        },
      });
      return new HttpResponse(body, { headers: { "content-type": "text/event-stream" } });
    }),
  );
  return {
    send,
    organizations,
    become: (changes: Partial<Sent>) => {
      execution = { ...execution, ...changes };
    },
  };
}

/** The page of the run, with `query` in its address. */
function show(query = "", org = CONTOSO.id, as = me) {
  return renderPage(<ExecutionPage />, {
    at: `/o/${org}/executions/${ID}${query}`,
    path: "/o/:org/executions/:id",
    me: as,
  });
}

const log = () => screen.findByRole("region", { name: "Log" });

test("a run that ended well says what ran, for whom, by whom, and shows its log", async () => {
  serve(base, [line(1), line(2)]);
  show();
  expect(await screen.findByRole("heading", { level: 1 })).toHaveTextContent("user_onboarding Success");
  const facts = screen.getByLabelText("About this run");
  expect(facts).toHaveTextContent("OrganizationContoso");
  expect(facts).toHaveTextContent("Started byAda");
  expect(facts).toHaveTextContent("Duration4.0 s");
  expect(await within(await log()).findByText("line 2")).toBeInTheDocument();
  expect(await screen.findByText("Complete")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Cancel run" })).not.toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Run again" })).toHaveAttribute(
    "href",
    `/o/${CONTOSO.id}/workflows/user_onboarding/run?from=${ID}`,
  );
});

test("a running one shows progress and steps as they are told, and the record once it has ended", async () => {
  const { send, become } = serve({ ...base, status: "Running", completed_at: null, duration_ms: null, result: null });
  show();
  expect(await screen.findByText("Running", { selector: "p" })).toBeInTheDocument();
  await screen.findByText("Live");
  send(
    ["progress", { percent: 40, message: "Mailbox is there" }],
    ["step", { ...step(1, "Create mailbox", "Running"), ended_at: null, duration_ms: null }],
    ["log", line(1)],
  );
  const bar = await screen.findByRole("progressbar", { name: "Progress" });
  await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "40%, Mailbox is there"));
  expect(document.title).toBe("40% user_onboarding - Contoso - MSP Automation");
  expect(screen.getByRole("button", { name: /Create mailbox/ })).toBeInTheDocument();

  become({ status: "Success", result: { done: "yes" }, duration_ms: 9_000, completed_at: "2026-11-25T10:00:09Z" });
  send(["end", { status: "Success" }]);
  await screen.findByText("Duration");
  expect(await screen.findByText("9.0 s")).toBeInTheDocument();
  expect(screen.queryByRole("progressbar")).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("tab", { name: "Result" }));
  expect(await screen.findByText('"yes"')).toBeInTheDocument();
});

test("a failure comes first, with its step open and its traceback folded", async () => {
  serve(failed, [line(1, { step: 1 }), line(2, { step: 2 }), traceback]);
  show();
  const panel = await screen.findByRole("region", { name: "The run failed" });
  expect(panel).toHaveTextContent("ValueError the mailbox did not answer");
  expect(within(panel).getByRole("button", { name: "Create mailbox" })).toBeInTheDocument();
  expect(screen.getByRole("button", { name: /Failed.*Create mailbox/ })).toHaveAttribute("aria-pressed", "true");
  const lines = await log();
  expect(await within(lines).findByText("line 2")).toBeInTheDocument();
  expect(within(lines).queryByText("line 1")).not.toBeInTheDocument();

  const fold = within(lines).getByRole("button", { name: /traceback, 3 lines/ });
  expect(fold).toHaveAttribute("aria-expanded", "false");
  expect(lines).not.toHaveTextContent('File "x.py"');
  await userEvent.click(fold);
  expect(lines).toHaveTextContent('File "x.py"');

  await userEvent.click(await within(panel).findByRole("button", { name: "Traceback" }));
  expect(within(panel).getByRole("region", { name: "Traceback" })).toHaveTextContent('File "x.py"');
});

test("the address says which step, level and line are looked at, and follows", async () => {
  serve(failed, [line(1, { step: 1 }), line(2, { step: 2, level: "warning" }), traceback]);
  const { router } = show("?step=all");
  const lines = await log();
  expect(await within(lines).findByText("line 1")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: /Look up/ }));
  await waitFor(() => expect(router.state.location.search).toBe("?step=1&tab=logs"));
  expect(within(await log()).queryByText("line 2")).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: /Step: Look up. Show all steps/ }));
  await userEvent.click(within(await log()).getByRole("link", { name: "Line 2" }));
  await waitFor(() => expect(router.state.location.search).toContain("line=2"));
  expect(
    within(await log())
      .getByRole("link", { name: "Line 2" })
      .closest("[data-index]"),
  ).toHaveAttribute("data-selected");
});

test("keys move from line to line, of which one can be reached with Tab", async () => {
  serve(base, [line(1), line(2), line(3)]);
  const { router } = show("?line=2");
  const second = await within(await log()).findByRole("link", { name: "Line 2" });
  const stops = within(await log())
    .getAllByRole("link")
    .map((link) => link.tabIndex);
  expect(stops).toEqual([-1, 0, -1]);
  second.focus();
  await userEvent.keyboard("{ArrowDown}");
  await waitFor(() => expect(screen.getByRole("link", { name: "Line 3" })).toHaveFocus());
  expect(router.state.location.search).toBe("?line=3");
  await userEvent.keyboard("{ArrowUp}{ArrowUp}");
  await waitFor(() => expect(screen.getByRole("link", { name: "Line 1" })).toHaveFocus());
});

test("search finds, moves and marks", async () => {
  serve(base, [line(1), line(2, { message: "found ADA" }), line(3, { message: "ada again" })]);
  show();
  await within(await log()).findByText("line 1");
  const search = screen.getByRole("searchbox", { name: "Search the log" });
  await userEvent.type(search, "ada");
  expect(await screen.findByText("1 of 2")).toBeInTheDocument();
  await userEvent.keyboard("{Enter}");
  expect(await screen.findByText("2 of 2")).toBeInTheDocument();
  await userEvent.keyboard("{Shift>}{Enter}{/Shift}");
  expect(await screen.findByText("1 of 2")).toBeInTheDocument();
  expect(within(await log()).getByText("ADA", { selector: "mark" })).toBeInTheDocument();
  await userEvent.keyboard("{Escape}");
  expect(search).toHaveValue("");
});

test("the match that is looked at is never beyond the last one, also when fewer lines are shown", async () => {
  serve(
    base,
    [1, 2, 3, 4].map((seq) => line(seq, { message: "ada", level: seq < 3 ? "error" : "info" })),
  );
  const { router } = show();
  await screen.findByText("Complete");
  await userEvent.type(screen.getByRole("searchbox", { name: "Search the log" }), "ada");
  expect(await screen.findByText("1 of 4")).toBeInTheDocument();
  await userEvent.keyboard("{Shift>}{Enter}{/Shift}");
  expect(await screen.findByText("4 of 4")).toBeInTheDocument();
  await act(() => router.navigate("?level=error"));
  expect(await screen.findByText("2 of 2")).toBeInTheDocument();
  await userEvent.keyboard("{Shift>}{Enter}{/Shift}");
  expect(await screen.findByText("1 of 2")).toBeInTheDocument();
});

test("lines that a filter hides can be shown again", async () => {
  serve(base, [line(1)]);
  const { router } = show("?level=error");
  expect(await screen.findByText("No line matches")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Clear filters" }));
  expect(await within(await log()).findByText("line 1")).toBeInTheDocument();
  expect(router.state.location.search).toBe("?step=all");
});

test("cancelling asks, says what stays done, and waits for the engine", async () => {
  const running = { ...base, status: "Running" as const, completed_at: null, duration_ms: null, result: null };
  const { become, send } = serve(running);
  const cancelled = vi.fn();
  server.use(
    http.post(`*/api/executions/${ID}/cancel`, () => {
      cancelled();
      return HttpResponse.json(running, { status: 202 });
    }),
  );
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Cancel run" }));
  const dialog = await screen.findByRole("dialog", { name: "Cancel user_onboarding?" });
  expect(dialog).toHaveTextContent("running for Contoso");
  expect(dialog).toHaveTextContent("stays done");
  expect(cancelled).not.toHaveBeenCalled();
  await userEvent.click(within(dialog).getByRole("button", { name: "Cancel run" }));
  expect(await screen.findByRole("button", { name: "Cancelling..." })).toBeDisabled();
  expect(cancelled).toHaveBeenCalledOnce();
  become({ status: "Cancelled", duration_ms: 500 });
  send(["end", { status: "Cancelled" }]);
  expect(await screen.findByRole("region", { name: "The run was cancelled" })).toBeInTheDocument();
});

test("who may only run workflows cannot cancel other people's runs", async () => {
  serve({ ...base, status: "Running", executed_by: FABRIKAM.id, completed_at: null });
  const permissions = { ...ALL_RIGHTS, execute_workflows: false };
  show("", CONTOSO.id, someone({ organizations: [{ ...CONTOSO, is_active: true, permissions }] }));
  expect(await screen.findByRole("button", { name: "Run again" })).toHaveAttribute("aria-disabled", "true");
  expect(screen.queryByRole("button", { name: "Cancel run" })).not.toBeInTheDocument();
});

test("a run of another organization is not here, and may be elsewhere", async () => {
  const { organizations } = serve(base);
  show("", FABRIKAM.id);
  expect(await screen.findByText("There is no such run in Fabrikam")).toBeInTheDocument();
  expect(screen.getByText(/may belong to another organization/)).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Look in all organizations" })).toHaveAttribute(
    "href",
    `/o/all/executions/${ID}`,
  );
  expect(organizations.every((organization) => organization === FABRIKAM.id)).toBe(true);
});

test("under all organizations the run says which one it is for", async () => {
  const { organizations } = serve(base);
  show("", "all");
  expect(await screen.findByRole("link", { name: "Contoso" })).toHaveAttribute(
    "href",
    `/o/${CONTOSO.id}/executions/${ID}`,
  );
  expect(organizations.every((organization) => organization === null)).toBe(true);
});

test("a run that cannot be loaded offers to try again", async () => {
  const { become } = serve(base);
  server.use(
    http.get(
      `*/api/executions/${ID}`,
      () => HttpResponse.json({ type: "x", title: "Broken", status: 500 }, { status: 500 }),
      {
        once: true,
      },
    ),
  );
  become({});
  show();
  expect(await screen.findByText("The run could not be loaded")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("heading", { level: 1 })).toHaveTextContent("user_onboarding");
});

test("passwords are dots, and say why", async () => {
  serve({ ...base, input: { email: "grace@example.com", password: "********" } });
  show("?tab=input");
  expect(await screen.findByText("••••••••")).toBeInTheDocument();
  expect(screen.queryByText(/\*\*\*\*/)).not.toBeInTheDocument();
  await userEvent.hover(screen.getByText("Hidden"));
  expect(await screen.findByText(/History keeps no copy/)).toBeInTheDocument();
});

test("a result too large to come along shows its beginning, and all of it on request", async () => {
  serve({ ...base, result: null, result_url: `/api/executions/${ID}/result` });
  const rows = Array.from({ length: 4_000 }, (_, id) => ({ id, name: `User number ${id}` }));
  server.use(http.get(`*/api/executions/${ID}/result`, () => HttpResponse.json(rows)));
  show("?tab=result");
  const beginning = await screen.findByRole("region", { name: "Beginning of the result" });
  expect(beginning).toHaveTextContent("User number 7");
  expect(beginning).not.toHaveTextContent("User number 3999");
  await userEvent.click(screen.getByRole("button", { name: "Load all of it" }));
  expect(await screen.findByText("Rows 1 to 50 of 4,000")).toBeInTheDocument();
});

test("a ticket gets who, what, when, why, and the last lines", async () => {
  serve(failed, [line(1), line(2), traceback]);
  show();
  const user = userEvent.setup();
  await screen.findByText("Complete");
  await user.click(screen.getByRole("button", { name: "Copy for ticket" }));
  const text = await navigator.clipboard.readText();
  expect(text).toContain("Workflow: user_onboarding\nOrganization: Contoso\nStatus: Failed\nStarted by: Ada\n");
  expect(text).toContain("Error: ValueError: the mailbox did not answer");
  expect(text).toContain("Step: Create mailbox");
  expect(text).toContain(`/o/${CONTOSO.id}/executions/${ID}`);
  expect(text.trimEnd().endsWith("ValueError: the mailbox did not answer")).toBe(true);
});

test("both runs are linked when one repeats another", async () => {
  const earlier = "0197c1c8-7a4e-7c41-9e0b-000000000009";
  const later = "0197c1c8-7a4e-7c41-9e0b-000000000010";
  serve({ ...base, retry_of: earlier }, [], [{ id: later, started_at: "2026-01-02T10:00:00Z" }]);
  show();
  expect(await screen.findByRole("link", { name: "Jan 2, 2026, 10:00 AM" })).toHaveAttribute(
    "href",
    `/o/${CONTOSO.id}/executions/${later}`,
  );
  expect(await screen.findByRole("link", { name: "an earlier run" })).toHaveAttribute(
    "href",
    `/o/${CONTOSO.id}/executions/${earlier}`,
  );
});
