/** The last line of a program that failed: an errno and the system call, or what went wrong with the program. */
export interface FailureLine {
  readonly failure: { readonly message: string; readonly code?: string; readonly syscall?: string };
}

export function failureLine(error: unknown): FailureLine {
  const { message, code, syscall } = error as NodeJS.ErrnoException;
  return {
    failure: {
      message,
      ...(code === undefined ? {} : { code }),
      ...(syscall === undefined ? {} : { syscall }),
    },
  };
}
