import { Alert, Button, List, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle, IconFileAlert } from "@tabler/icons-react";
import type { FileError } from "@/shared/workflows/metadataQuery";
import { strings } from "@/strings/workflows";

/** More files than this are shown on request: the list of workflows stays in sight. */
const shownAtFirst = 3;

/** Files of the workspace that could not be loaded, and what about others is probably not meant. */
export function BrokenFiles({ errors, warnings }: { errors: FileError[]; warnings: FileError[] }) {
  return (
    <>
      {errors.length > 0 ? (
        <Alert
          color="red"
          mb="sm"
          icon={<IconFileAlert aria-hidden />}
          title={strings.broken(errors.length)}
          role="region"
          aria-label={strings.broken(errors.length)}
        >
          <Text size="sm" mb="xs">
            {strings.brokenHint}
          </Text>
          <Files files={errors} />
        </Alert>
      ) : null}
      {warnings.length > 0 ? (
        <Alert
          color="yellow"
          mb="sm"
          icon={<IconAlertTriangle aria-hidden />}
          title={strings.warnings(warnings.length)}
          role="region"
          aria-label={strings.warnings(warnings.length)}
        >
          <Files files={warnings} />
        </Alert>
      ) : null}
    </>
  );
}

function Files({ files }: { files: FileError[] }) {
  const [isOpen, { toggle }] = useDisclosure(false);
  const shown = isOpen ? files : files.slice(0, shownAtFirst);
  return (
    <>
      <List size="sm" spacing={4}>
        {shown.map(({ file, line, message }) => (
          <List.Item key={`${file}:${line}:${message}`}>
            <Text component="span" ff="monospace" size="sm">
              {file}
              {typeof line === "number" ? `, ${strings.line(line)}` : null}
            </Text>
            : {message}
          </List.Item>
        ))}
      </List>
      {files.length > shownAtFirst ? (
        <Button size="compact-xs" variant="subtle" mt="xs" aria-expanded={isOpen} onClick={toggle}>
          {isOpen ? strings.showFewer : strings.showAll}
        </Button>
      ) : null}
    </>
  );
}
