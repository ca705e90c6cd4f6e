import type { components } from "@/types/api";
import { isScalar } from "./rules/values";
import type { Field, FieldOptions, FieldValidation, FormSchema } from "./schema";

type Workflow = components["schemas"]["Workflow"];
type Parameter = components["schemas"]["Parameter"];
type OptionGenerator = components["schemas"]["OptionGenerator"];

/**
 * The form of a workflow, made from its parameters. The generators say which arguments they take: those named like a
 * parameter are filled with its value.
 */
export function schemaOfWorkflow(workflow: Workflow, generators: OptionGenerator[] = []): FormSchema {
  return {
    name: workflow.name,
    workflow: workflow.name,
    ...(workflow.description && { description: workflow.description }),
    ...(workflow.category && { category: workflow.category }),
    fields: workflow.parameters.map((parameter) => fieldOf(parameter, workflow, generators)),
  };
}

function fieldOf(parameter: Parameter, workflow: Workflow, generators: OptionGenerator[]): Field {
  const options = optionsOf(parameter, workflow, generators);
  const type = options ? (parameter.type === "multi_select" ? "multi_select" : "select") : typeOf(parameter);
  return {
    name: parameter.name,
    label: parameter.label || humanized(parameter.name),
    type,
    // A box that is not ticked says `false`, which is an answer.
    required: parameter.required && type !== "checkbox",
    ...(parameter.help && { description: parameter.help }),
    ...(parameter.default !== undefined && parameter.default !== null && { default: parameter.default }),
    validation: limitsOf(parameter, type),
    ...(options && { options }),
  };
}

function typeOf({ type, validation }: Parameter): string {
  switch (type) {
    case "string":
      return (validation?.max_length ?? 0) > 200 ? "textarea" : "text";
    case "int":
    case "number":
      return "number";
    case "bool":
      return "checkbox";
    // A choice of nothing can still be typed.
    case "select":
      return "text";
    case "multi_select":
      return "json";
    default:
      return type;
  }
}

function optionsOf(parameter: Parameter, workflow: Workflow, generators: OptionGenerator[]): FieldOptions | undefined {
  if (parameter.options_from) {
    const generator = generators.find(({ name }) => name === parameter.options_from);
    const known = new Set(workflow.parameters.map(({ name }) => name));
    const inputs = (generator?.inputs ?? []).filter((input) => known.has(input) && input !== parameter.name);
    return {
      source: "option_generator",
      generator: parameter.options_from,
      inputs: Object.fromEntries(inputs.map((input) => [input, { field: input }])),
    };
  }
  const items = (parameter.options ?? []).filter(isScalar).map((value) => ({ value, label: String(value) }));
  return items.length > 0 ? { source: "static", items } : undefined;
}

function limitsOf({ type, validation: given }: Parameter, fieldType: string): FieldValidation {
  const message = given?.message ?? undefined;
  switch (fieldType) {
    case "text":
    case "textarea":
    case "email":
    case "password":
      return {
        message,
        pattern: given?.pattern ?? undefined,
        min_length: given?.min_length ?? undefined,
        max_length: given?.max_length ?? undefined,
      };
    case "number":
      return {
        message,
        min: given?.min ?? undefined,
        max: given?.max ?? undefined,
        step: type === "int" ? 1 : undefined,
      };
    case "multi_select":
      return { message, min_items: given?.min_items ?? undefined, max_items: given?.max_items ?? undefined };
    default:
      return {};
  }
}

/** `first_name` reads "First name". */
function humanized(name: string): string {
  const words = name.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
