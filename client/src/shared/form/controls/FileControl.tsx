import { ActionIcon, Button, FileButton, Group, Input, Paper, Progress, Stack, Text } from "@mantine/core";
import { IconFile, IconUpload, IconX } from "@tabler/icons-react";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { Problem } from "@/shared/api/problem";
import { strings } from "@/strings/form";
import { useFormContext } from "../context";
import { faultOfFile, written } from "../rules/submission";
import { readUpload } from "../rules/uploads";
import { takesManyFiles, type UploadedFile } from "../schema";
import { type ControlProps, useEntry } from "../useEntry";

/** A file on its way. */
interface Sending {
  key: number;
  name: string;
  done: number;
  abort: AbortController;
}

/** Files by button or by dropping them. Kind and size are checked before anything is sent. */
export function FileControl(props: ControlProps) {
  const { field } = props;
  const { value, change, around } = useEntry(props);
  const { upload, announce } = useFormContext();
  const [sending, setSending] = useState<Sending[]>([]);
  const [refusal, setRefusal] = useState<string>();
  const isMany = takesManyFiles(field);
  const files = (Array.isArray(value) ? value : [value]).map(readUpload).filter((file) => file !== undefined);
  // Uploads end one after the other: each adds to what the others have left.
  const current = useRef(files);
  current.current = files;
  const nextKey = useRef(0);
  const running = useRef(new Set<AbortController>());
  useEffect(() => {
    const aborts = running.current;
    return () => aborts.forEach((abort) => void abort.abort());
  }, []);

  const put = (kept: UploadedFile[]) => {
    current.current = kept;
    change(isMany ? kept : (kept[0] ?? null));
  };
  const send = async (file: File) => {
    const facts = { name: file.name, size_bytes: file.size, content_type: file.type };
    const fault = faultOfFile(field, facts);
    if (fault !== undefined || !upload) {
      setRefusal(fault ?? strings.filesUnavailable);
      return;
    }
    if (!isMany) {
      // It takes the place of the one that is still on its way.
      running.current.forEach((earlier) => void earlier.abort());
    }
    const key = nextKey.current++;
    const abort = new AbortController();
    running.current.add(abort);
    setSending((list) => [...list, { key, name: file.name, done: 0, abort }]);
    const onProgress = (done: number) =>
      setSending((list) => list.map((one) => (one.key === key ? { ...one, done } : one)));
    try {
      const uploaded = await upload(file, { field, signal: abort.signal, onProgress });
      put(isMany ? [...current.current, uploaded] : [uploaded]);
      announce(strings.fileDone(file.name));
    } catch (error) {
      if (!abort.signal.aborted) {
        setRefusal(
          error instanceof Problem ? strings.fileRefused(file.name, error.message) : strings.fileFailed(file.name),
        );
      }
    } finally {
      running.current.delete(abort);
      setSending((list) => list.filter((one) => one.key !== key));
    }
  };
  const take = (chosen: File[]) => {
    setRefusal(undefined);
    for (const file of isMany ? chosen : chosen.slice(0, 1)) {
      void send(file);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    take(Array.from(event.dataTransfer.files));
  };
  const { accept = [], max_size_mb } = field.validation ?? {};
  const limits = [
    field.description,
    accept.length > 0 && strings.fileAccept(accept),
    max_size_mb !== undefined && strings.fileMax(written(max_size_mb)),
    !upload && strings.filesUnavailable,
  ];
  const { id, ...wrapper } = around;
  const describedBy = `${id}-help ${id}-message`;
  return (
    <Input.Wrapper
      {...wrapper}
      labelElement="div"
      labelProps={{ id: `${id}-label` }}
      description={limits.filter(Boolean).join(" · ") || undefined}
      descriptionProps={{ id: `${id}-help` }}
      error={refusal ?? wrapper.error}
      errorProps={{ id: `${id}-message`, role: refusal ? "alert" : undefined }}
    >
      <Paper withBorder p="sm" mt={4} onDrop={drop} onDragOver={(event) => event.preventDefault()}>
        <Stack gap="xs">
          <Group gap="xs">
            <FileButton
              multiple
              accept={accept.join(",") || undefined}
              onChange={(chosen) => take(chosen)}
              disabled={!upload}
              inputProps={{ "aria-hidden": true, tabIndex: -1 }}
            >
              {(button) => (
                <Button
                  {...button}
                  id={id}
                  size="xs"
                  variant="default"
                  leftSection={<IconUpload size={14} aria-hidden />}
                  disabled={!upload}
                  aria-labelledby={`${id}-label ${id}`}
                  aria-describedby={describedBy}
                >
                  {isMany ? strings.fileChooseMany : strings.fileChoose}
                </Button>
              )}
            </FileButton>
            <Text size="xs" c="dimmed">
              {strings.fileDrop}
            </Text>
          </Group>
          {files.map((file) => (
            <FileLine key={file.id} name={file.name} onRemove={() => put(files.filter(({ id }) => id !== file.id))} />
          ))}
          {sending.map(({ key, name, done, abort }) => (
            <Stack key={key} gap={4}>
              <FileLine name={name} onRemove={() => abort.abort()} />
              <Progress value={done * 100} size="sm" aria-label={strings.fileUploading(name)} />
            </Stack>
          ))}
        </Stack>
      </Paper>
    </Input.Wrapper>
  );
}

function FileLine({ name, onRemove }: { name: string; onRemove: () => void }) {
  return (
    <Group gap={6} wrap="nowrap">
      <IconFile size={16} aria-hidden />
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {name}
      </Text>
      <ActionIcon variant="subtle" color="gray" size="sm" onClick={onRemove} aria-label={strings.fileRemove(name)}>
        <IconX size={14} aria-hidden />
      </ActionIcon>
    </Group>
  );
}
