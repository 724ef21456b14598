import { type Caller, type CallerOptions, type Connection, createCaller } from '../../src/index.ts'
import { type Made, make, type Pair, type PairOptions, pair, type Received } from './parties.ts'
import { seededRandom, VirtualClock } from './virtual-clock.ts'

/** A caller with a connection to each of some providers. */
export interface Scene {
  readonly caller: Caller
  readonly pairs: readonly Pair[]
  /** Connections the directory knows. */
  readonly known: Connection[]
  advance(ms: number): void
  call(request?: Parameters<typeof make>[1]): Made
  /** Which providers got a call. */
  ran(): number[]
}

export function scene(
  count: number,
  options: Partial<CallerOptions> = {},
  sides: PairOptions = {},
): Scene {
  const clock = new VirtualClock()
  const pairs = Array.from({ length: count }, (_, i) =>
    pair({ clock, ...sides, dialer: { peer: `peer ${i}`, ...sides.dialer } }),
  )
  const known = pairs.map(({ dialer }) => dialer.connection)
  const caller = createCaller({
    directory: { providers: () => known },
    random: seededRandom(1),
    ...options,
  })
  return {
    caller,
    pairs,
    known,
    advance: (ms) => clock.advance(ms),
    call: (request) => make(caller, request),
    ran: () => pairs.flatMap(({ listener }, i) => listener.received.map(() => i)),
  }
}

/** The call received last by whichever provider got the last. */
export function lastReceived({ pairs }: Scene): Received {
  const all = pairs.flatMap(({ listener }) => listener.received)
  const last = all.toSorted((a, b) => a.order - b.order).at(-1)
  if (!last) throw new Error('no provider has a call')
  return last
}

const nothing = (): void => undefined

/** A caller whose directory knows nobody until something is found. */
export function finding() {
  const { dialer, listener, clock } = pair()
  const known: Connection[] = []
  const settle = { resolve: nothing, reject: nothing }
  const found = new Promise<void>((resolve, reject) => {
    settle.resolve = resolve
    settle.reject = () => reject(new Error('nobody there'))
  })
  const caller = createCaller({
    directory: { providers: () => known, find: () => found },
    random: seededRandom(1),
    clock,
  })
  const meet = async (): Promise<void> => {
    known.push(dialer.connection)
    await done()
  }
  const done = async (): Promise<void> => {
    settle.resolve()
    await found
    await Promise.resolve()
  }
  return { clock, caller, listener, dialer, settle, found, meet, done }
}
