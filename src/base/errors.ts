/**
 * Operational errors that users see. Each has a literal `code` (the table of all codes is in
 * docs/operations.md) and fields that name the offending thing; refusals come from the replicated state
 * machine and carry no free text of their own.
 */
export class TheodoraError extends Error {
  readonly code: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.fields = fields;
  }
}

/** f+1 replicas refused the operation alike; it had no effect. */
export class RefusedError extends TheodoraError {}

/** The operation was sent and may or may not have been executed. */
export class UnknownOutcomeError extends TheodoraError {}

/** The service could not be reached; the operation was certainly not executed. */
export class UnavailableError extends TheodoraError {}

/** The caller's input (argument, file, option) is wrong; nothing was sent. */
export class InvalidInputError extends TheodoraError {}
