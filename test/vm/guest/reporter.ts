// A reporter for node:test inside the VM: one JSON line per event, which relay.ts reads on the host.
import type { TestEvent } from 'node:test/reporters';
import { inspect, stripVTControlCharacters } from 'node:util';
import { type RelayedEvent, relayMark } from '../relayed-event.ts';

export default async function* relay(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const relayed = relayedEvent(event);
    // A line of its own, whatever unfinished line the tests have left on the output.
    if (relayed !== undefined) yield `\n${relayMark}${JSON.stringify(relayed)}\n`;
    else if (event.type === 'test:stdout' || event.type === 'test:stderr') yield event.data.message;
  }
}

function relayedEvent(event: TestEvent): RelayedEvent | undefined {
  switch (event.type) {
    case 'test:start':
      return { type: 'start', name: event.data.name, nesting: event.data.nesting };
    case 'test:pass': {
      const { name, nesting, skip, details } = event.data;
      const reason = skip === undefined || skip === false ? undefined : String(skip);
      return {
        type: 'pass',
        name,
        nesting,
        milliseconds: details.duration_ms,
        ...(reason === undefined ? {} : { skip: reason }),
      };
    }
    case 'test:fail': {
      const { name, nesting, details } = event.data;
      const { error } = details;
      return {
        type: 'fail',
        name,
        nesting,
        milliseconds: details.duration_ms,
        // Its subtests have told theirs.
        ofSubtests: (error as { failureType?: string }).failureType === 'subtestsFailed',
        error: stripVTControlCharacters(inspect(error.cause ?? error)),
      };
    }
    default:
      return undefined;
  }
}
