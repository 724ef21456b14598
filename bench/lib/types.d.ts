// The shapes that the harness's files share. Types only.

/** What can be asked of a system under test. A file in systems/ exports what its system can do. */
export interface System {
  /** Starts the answering side in this process. */
  readonly serve?: (options?: ServeOptions) => Promise<Served>
  /** Starts the calling side in this process, ready for the first call. */
  readonly connect?: (target: Target) => Promise<Client>
  /** Sets up one connection, both sides' identities proven where the system knows identities. */
  readonly open?: (target: Target) => Promise<Opened>
}

export interface ServeOptions {
  /** Join the mesh at these addresses rather than take connections. */
  readonly join?: readonly string[]
}

/** Where a served system is reached, as its own `connect` and `open` understand it. Survives JSON. */
export type Target = { readonly port: number } & Readonly<Record<string, unknown>>

export interface Served {
  readonly target: Target
  /** Connections that this side has finished setting up. Without it: as soon as the caller has. */
  opened?(): number
  /** Bytes of bodies that the handlers `slow` and `never` have taken. */
  readonly consumed?: () => number
  /** Other processes that work for this side: their CPU time and memory count as its own. */
  readonly pids?: readonly number[]
  close(): Promise<void>
}

export interface Client {
  /** Sends `body` to be echoed; `done` is given the length of the answer, or what went wrong. */
  call(body: Buffer, done: (length: number | Error) => void): void
  /** Sends a body; resolves with the bytes the other side counted. */
  send(body: Sending): Promise<number>
  close(): Promise<void>
}

/** A body of `total` bytes in writes of `chunk`. */
export interface Sending {
  readonly total: number
  readonly chunk: Buffer
  /** Who takes it: at once, at 4 MB/s (`lib/sinks.mjs`), or nothing of it. */
  readonly sink: Sink
  /** Told of each write that was handed over, in bytes. */
  readonly onSent: (bytes: number) => void
}

export type Sink = 'sink' | 'slow' | 'never'

export interface Opened {
  close(): void
}

/** CPU time since the process began, in microseconds, and resident memory, in bytes. */
export interface Usage {
  readonly cpuUs: number
  readonly rss: number
}

/** One measured number of a row, by its column's key. */
export type Metrics = Readonly<Record<string, number>>

export interface Column {
  /** Of the metric. */
  readonly key: string
  readonly title: string
  /** Digits after the point. */
  readonly digits: number
  /** No ratio to ours: it would mean nothing. */
  readonly alone?: boolean
}

/** The most or least a metric of ours may be. */
export interface Goal {
  readonly key: string
  readonly atMost?: number
  readonly atLeast?: number
  /** Which system it speaks of. @default 'flatend' */
  readonly system?: string
  /** Compare with this system's figure, times atLeast / atMost, rather than with a plain number. */
  readonly times?: string
}

/** One system in one case: its medians, or why there are none. */
export interface Row {
  readonly system: string
  readonly samples: readonly Metrics[]
  readonly medians: Metrics
  /** Why it was not measured, or stopped being. */
  readonly skipped: string | undefined
  readonly note: string | undefined
}

/** Rows that are compared with each other. */
export interface Case {
  readonly suite: string
  readonly title: string
  readonly columns: readonly Column[]
  readonly goals: readonly Goal[]
  readonly rows: readonly Row[]
}

export interface Options {
  readonly suites: readonly string[]
  readonly quick: boolean
  readonly rounds: number
  readonly systems: readonly string[] | undefined
  readonly json: string | undefined
}

export interface Suite {
  readonly name: string
  run(options: Options): Promise<Case[]>
}
