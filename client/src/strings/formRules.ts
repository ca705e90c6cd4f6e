/** What is said about a value. The server says the same: `crates/domain/vectors/submissions.json` holds both to it. */
export const strings = {
  required: (title: string) => `${title} is required`,
  mustBeTicked: (title: string) => `${title} must be ticked`,
  mustBeOn: (title: string) => `${title} must be turned on`,
  text: "Enter a text",
  email: "Enter an e-mail address, such as ada@example.com",
  number: "Enter a number",
  wholeNumber: "Enter a whole number",
  onOrOff: "Must be on or off",
  date: "Enter a date, such as 2026-03-31",
  datetime: "Enter a date and time, such as 2026-03-31T09:30:00+02:00",
  fromList: "Choose from the list",
  notOffered: (value: string) => `\`${value}\` is not offered; choose from the list`,
  fileAgain: "Choose the file again",
  minLength: (least: number) => `Enter at least ${counted(least, "character")}`,
  maxLength: (most: number) => `Enter at most ${counted(most, "character")}`,
  pattern: (title: string) => `${title} does not have the expected format`,
  between: (min: string, max: string) => `Must be between ${min} and ${max}`,
  atLeast: (min: string) => `Must be at least ${min}`,
  atMost: (max: string) => `Must be at most ${max}`,
  minItems: (least: number) => `Choose at least ${least}`,
  maxItems: (most: number) => `Choose at most ${most}`,
  minFiles: (least: number) => `Add at least ${counted(least, "file")}`,
  maxFiles: (most: number) => `Add at most ${counted(most, "file")}`,
  fileType: (name: string, accept: string[]) => `${name} is not one of ${accept.join(", ")}`,
  fileSize: (name: string, mb: string) => `${name} is larger than ${mb} MB`,
  unknownField: (name: string) => `This form has no field \`${name}\``,
} as const;

function counted(count: number, thing: string): string {
  return count === 1 ? `1 ${thing}` : `${count} ${thing}s`;
}
