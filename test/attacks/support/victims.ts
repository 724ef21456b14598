import { freePort } from '../../support/processes.ts'
import { type RemoteNode, type RemoteNodeOptions, startNode } from '../../support/remote-node.ts'

export type Sdk = '2020' | 'ours'

/** A node that listens, and where. */
export interface Victim {
  readonly node: RemoteNode
  readonly port: number
}

/** Starts a node with an identity that listens on 127.0.0.1. */
export async function startVictim(
  sdk: Sdk,
  { at, ...options }: RemoteNodeOptions & { /** Port told to others. */ readonly at?: number } = {},
): Promise<Victim> {
  const port = await freePort()
  const node = await startNode({
    sdk,
    identified: true,
    publicAddr: `127.0.0.1:${at ?? port}`,
    bindAddrs: [`127.0.0.1:${port}`],
    ...options,
  })
  return { node, port }
}

/** The message of a call that fails, or undefined where it succeeds. */
export async function failureOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** How a process that died did so, from what it printed. */
export const lastWords = (node: RemoteNode): string =>
  node.process.lines.find((line) => /Error|reset|ECONN|ERR_/.test(line)) ?? 'nothing'

/** Mebibytes. */
export const mib = (bytes: number): number => Math.round(bytes / 1_048_576)
