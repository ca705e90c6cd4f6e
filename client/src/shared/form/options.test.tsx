import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { CONTOSO, renderPage } from "@/shared/testing/render";
import { SchemaForm, type SchemaFormProps } from "./SchemaForm";
import type { Field } from "./schema";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const send = vi.fn<SchemaFormProps<string>["send"]>();
beforeEach(() => void send.mockReset().mockResolvedValue("run"));

interface Question {
  inputs: Record<string, unknown>;
  search?: string;
  limit: number;
}

type Option = { label: string; value: string; description?: string };

/** Plays the option generator `teams` and keeps what it is asked. */
function generator(
  answer: (question: Question, request: Request) => Option[] | Response | Promise<Option[] | Response>,
  more = {},
) {
  const asked: Question[] = [];
  const headers: Headers[] = [];
  server.use(
    http.post<never, Question>("*/options/teams", async ({ request }) => {
      const question = await request.json();
      asked.push(question);
      headers.push(request.headers);
      const items = await answer(question, request);
      return items instanceof Response
        ? items
        : HttpResponse.json({ items, truncated: false, ttl_seconds: 60, ...more });
    }),
  );
  return { asked, headers };
}

const options = (...names: string[]): Option[] => names.map((name) => ({ label: name, value: name.toLowerCase() }));

const department: Field = { name: "department", label: "Department", type: "text" };
const team = (more: Record<string, unknown> = {}, type = "select"): Field => ({
  name: "team",
  label: "Team",
  type,
  options: { source: "option_generator", generator: "teams", inputs: { department: { field: "department" } }, ...more },
});
const lone = (more: Record<string, unknown> = {}, type = "select") => ({ ...team({ inputs: {}, ...more }, type) });

function show(fields: Field[], rest: Partial<SchemaFormProps<string>> = {}) {
  return renderPage(
    <SchemaForm
      schema={{ name: "Form", workflow: "workflow", fields }}
      org={CONTOSO}
      submitLabel="Run for Contoso"
      send={send}
      onSent={() => {}}
      {...rest}
    />,
  );
}

const teamInput = () => screen.getByRole("combobox", { name: "Team" });

test("a dependent list waits for its field, then asks for this organization with the value", async () => {
  const user = userEvent.setup();
  const { asked, headers } = generator(() => options("Red", "Blue"));
  show([department, team()]);
  expect(teamInput()).toBeDisabled();
  expect(teamInput()).toHaveAttribute("placeholder", "Choose Department first");
  await user.click(screen.getByLabelText("Department"));
  await user.paste("Sales");
  await waitFor(() => expect(teamInput()).toBeEnabled());
  await user.click(teamInput());
  await user.click(await screen.findByRole("option", { name: "Red" }));
  expect(asked).toEqual([{ inputs: { department: "Sales" }, limit: 200 }]);
  expect(headers[0]?.get("X-Organization-Id")).toBe(CONTOSO.id);
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await waitFor(() => expect(send.mock.calls[0]?.[0]).toEqual({ department: "Sales", team: "red" }));
});

test("a changed input keeps the value that is still offered and takes away one that is not, and says so", async () => {
  const user = userEvent.setup();
  generator(({ inputs }) => (inputs.department === "IT" ? options("Blue") : options("Red", "Blue")));
  show([department, team()], { initial: [{ department: "Sales", team: "blue" }] });
  await waitFor(() => expect(teamInput()).toHaveValue("Blue"));
  const input = screen.getByLabelText("Department");
  await user.clear(input);
  await user.click(input);
  await user.paste("HR");
  await user.click(teamInput());
  await user.click(await screen.findByRole("option", { name: "Red" }));
  expect(teamInput()).toHaveValue("Red");
  await user.clear(input);
  await user.click(input);
  await user.paste("IT");
  expect(await screen.findByText("Team: red is no longer offered")).toBeInTheDocument();
  await waitFor(() => expect(teamInput()).toHaveValue(""));
});

test("only the newest question counts: the older one is cancelled, and its answer never shown", async () => {
  const user = userEvent.setup();
  let release = (_: Option[]) => {};
  const cancelled = vi.fn();
  generator(({ inputs }, request) => {
    if (inputs.department === "Sales") {
      return options("Fresh");
    }
    request.signal.addEventListener("abort", cancelled);
    return new Promise<Option[]>((resolve) => {
      release = resolve;
    });
  });
  show([department, team()]);
  await user.click(screen.getByLabelText("Department"));
  await user.keyboard("S");
  await waitFor(() => expect(screen.getByLabelText("Loading Team")).toBeInTheDocument());
  await user.paste("ales");
  await user.click(teamInput());
  expect(await screen.findByRole("option", { name: "Fresh" })).toBeInTheDocument();
  await waitFor(() => expect(cancelled).toHaveBeenCalled());
  release(options("Stale"));
  await user.keyboard("{ArrowDown}{Enter}");
  await waitFor(() => expect(teamInput()).toHaveValue("Fresh"));
});

test("a failure is told in the field, with the generator's name for authors, and tried again", async () => {
  const user = userEvent.setup();
  let fails = true;
  generator(() =>
    fails
      ? HttpResponse.json(
          { type: "/problems/options-failed", title: "Failed", status: 424, detail: "Graph does not answer." },
          { status: 424 },
        )
      : options("Red", "Blue"),
  );
  show([lone()], { isAuthor: true });
  expect(await screen.findByText(/Graph does not answer\. \(Option generator: teams\)/)).toBeVisible();
  fails = false;
  await user.click(screen.getByRole("button", { name: "Try again: Team" }));
  await waitFor(() => expect(screen.queryByText(/Graph does not answer/)).toBeNull());
  await user.click(teamInput());
  expect(await screen.findByRole("option", { name: "Red" })).toBeInTheDocument();
});

test("an empty list says where it is empty, and is asked anew on request, past every cache", async () => {
  const user = userEvent.setup();
  const answers = [[], options("Red", "Blue")];
  const { headers } = generator(() => answers.shift() ?? []);
  show([lone()]);
  expect(await screen.findByText("No team available in Contoso")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Refresh Team" }));
  await waitFor(() => expect(screen.queryByText("No team available in Contoso")).toBeNull());
  expect(headers.map((one) => one.get("cache-control"))).toEqual([null, "no-cache"]);
});

test("of more than can be listed, the server is asked for those that match", async () => {
  const user = userEvent.setup();
  const { asked } = generator(({ search }) => (search ? [{ label: "Zebra team", value: "z-9" }] : options("Alpha")), {
    truncated: true,
  });
  show([lone()]);
  expect(await screen.findByText(/Type to search all of them/)).toBeVisible();
  await user.click(teamInput());
  await user.paste("zeb");
  await user.click(await screen.findByRole("option", { name: "Zebra team" }));
  expect(asked.map(({ search }) => search)).toEqual([undefined, "zeb"]);
  expect(teamInput()).toHaveValue("Zebra team");
  await user.tab();
  await user.click(teamInput());
  expect(await screen.findByRole("option", { name: "Alpha" })).toBeInTheDocument();
  expect(screen.getByRole("option", { name: "Zebra team" })).toBeInTheDocument();
  await user.tab();
  expect(teamInput()).toHaveValue("Zebra team");
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await waitFor(() => expect(send.mock.calls[0]?.[0]).toEqual({ team: "z-9" }));
});

test("a search that failed says so, and is asked again", async () => {
  const user = userEvent.setup();
  let fails = true;
  generator(
    ({ search }) =>
      search && fails
        ? HttpResponse.json(
            { type: "/problems/options-failed", title: "Failed", status: 424, detail: "Graph does not answer." },
            { status: 424 },
          )
        : options(search ? "Zebra team" : "Alpha"),
    { truncated: true },
  );
  show([lone()]);
  await screen.findByText(/Type to search all of them/);
  await user.click(teamInput());
  await user.paste("zeb");
  expect(await screen.findByText(/Graph does not answer/)).toBeVisible();
  fails = false;
  await user.click(screen.getByRole("button", { name: "Try again: Team" }));
  await waitFor(() => expect(screen.queryByText(/Graph does not answer/)).toBeNull());
  expect(teamInput()).toHaveFocus();
  expect(teamInput()).toHaveValue("zeb");
  await user.click(teamInput());
  expect(await screen.findByRole("option", { name: "Zebra team" })).toBeInTheDocument();
});

test("a lone option is chosen by itself when the form asks for it, and said; who removes it means it", async () => {
  const user = userEvent.setup();
  generator(() => options("Red"));
  show([lone({ auto_select_single: true })]);
  expect(await screen.findByText("Team: Red was chosen, the only option")).toBeInTheDocument();
  await waitFor(() => expect(teamInput()).toHaveValue("Red"));
  await user.click(screen.getByRole("button", { name: "Clear Team" }));
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await waitFor(() => expect(send.mock.calls[0]?.[0]).toEqual({}));
});

test("a list that allows it keeps a value that is not offered", async () => {
  const user = userEvent.setup();
  generator(() => options("Red"));
  show([lone({ allow_custom: true })], { initial: [{ team: "own" }] });
  await waitFor(() => expect(teamInput()).toHaveValue("own"));
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await waitFor(() => expect(send.mock.calls[0]?.[0]).toEqual({ team: "own" }));
});

test("a radio group draws the generator's answer, and several values are checked against it", async () => {
  const user = userEvent.setup();
  generator(() => options("Red", "Blue"));
  const many = { ...lone({}, "multi_select"), name: "many", label: "Many" };
  show([lone({}, "radio"), many], { initial: [{ many: ["red", "gone"] }] });
  await user.click(await screen.findByRole("radio", { name: "Blue" }));
  expect(await screen.findByText("Many: gone is no longer offered")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await waitFor(() => expect(send.mock.calls[0]?.[0]).toEqual({ team: "blue", many: ["red"] }));
});

test("an answer is used again for the same inputs, and a hidden field asks nothing", async () => {
  const user = userEvent.setup();
  const { asked } = generator(() => options("Red", "Blue"));
  const shown = { all: [{ field: "department", op: "eq", value: "Sales" }] };
  show([department, { ...lone(), visible_when: shown }]);
  expect(asked).toHaveLength(0);
  const input = screen.getByLabelText("Department");
  await user.click(input);
  await user.paste("Sales");
  await waitFor(() => expect(asked).toHaveLength(1));
  await user.clear(input);
  await waitFor(() => expect(screen.queryByRole("combobox", { name: "Team" })).toBeNull());
  await user.click(input);
  await user.paste("Sales");
  await user.click(await screen.findByRole("combobox", { name: "Team" }));
  expect(await screen.findByRole("option", { name: "Red" })).toBeInTheDocument();
  expect(asked).toHaveLength(1);
});
