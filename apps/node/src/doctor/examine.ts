import { networkInterfaces } from 'node:os'
import { nodeSuite } from '@flatend/monte/suite/node'
import { formatAddress } from '../address.ts'
import { Node } from '../node.ts'
import type { NodeOptions } from '../options.ts'
import { PeerId } from '../peer-id.ts'
import { generateSecretKey, seedOf } from '../secret-key.ts'
import { createTransport } from '../transport.ts'
import type { Finding } from './finding.ts'
import type { Greeting } from './greet.ts'
import { checkSeed } from './seed-check.ts'

/** Clocks that differ so much are told of, and so much more break records (discovery §2), in ms. */
const SKEW_NOTED = 10_000
const SKEW_BROKEN = 60_000

/** Looks at everything a node needs to be part of a mesh; options are those it would be started with. */
export async function examine(options: NodeOptions): Promise<Finding[]> {
  const { addrs = [], network, networkKey, legacy = false } = options
  const secretKey = options.secretKey ?? generateSecretKey()
  const context = {
    transport: options.transport ?? createTransport({}),
    identity: nodeSuite.identity(seedOf(secretKey)),
    network,
    networkKey,
    legacy,
  }
  const reports = await Promise.all(addrs.map((addr) => checkSeed(addr, context)))
  const greetings = reports.flatMap((report) => report.greetings)
  const findings = reports.flatMap((report) => report.findings)
  if (greetings.length === 0) return findings
  findings.push(...checkClock(greetings), ...checkAddress(greetings))
  findings.push(...(await checkMesh({ ...options, secretKey }, greetings)))
  return findings
}

function checkClock(greetings: readonly Greeting[]): Finding[] {
  const skews = greetings
    .flatMap(({ answer }) => (answer ? [answer.skewMs] : []))
    .toSorted((a, b) => a - b)
  const skew = skews[skews.length >> 1]
  if (skew === undefined) return []
  const size = Math.abs(skew)
  const details = { skewMs: Math.round(skew) }
  const message = `this machine's clock is ${(size / 1_000).toFixed(1)} s ${skew > 0 ? 'behind' : 'ahead of'} the mesh`
  const cure = 'set the clocks by NTP: services are found by signed records that carry the time'
  if (size >= SKEW_BROKEN) return [{ level: 'problem', check: 'clock', message, cure, details }]
  if (size >= SKEW_NOTED) return [{ level: 'warning', check: 'clock', message, cure, details }]
  return [
    {
      level: 'ok',
      check: 'clock',
      message: 'this machine and the mesh agree on the time',
      details,
    },
  ]
}

/** Whether addresses are translated between this machine and the nodes that answered. */
function checkAddress(greetings: readonly Greeting[]): Finding[] {
  const seen = new Set(greetings.flatMap(({ answer }) => answer?.observed.host ?? []))
  if (seen.size === 0) return []
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address)),
  )
  const hosts = [...seen].join(', ')
  const details = { seen: hosts }
  if ([...seen].every((host) => own.has(host) || host.startsWith('127.'))) {
    const message = `nodes see this machine at its own address ${hosts}: no NAT on the way`
    return [{ level: 'ok', check: 'address', message, details }]
  }
  const message = `nodes see this machine at ${hosts}, which is not its own: there is NAT or a proxy on the way`
  const cure =
    'forward a port and set publicAddr to it, or have it take calls over its own connections'
  return [{ level: 'note', check: 'address', message, cure, details }]
}

/** Joins as a node would, to see whom it reaches and who reaches it. */
async function checkMesh(options: NodeOptions, greetings: readonly Greeting[]): Promise<Finding[]> {
  let node: Node
  try {
    node = await Node.start(options)
  } catch (error) {
    const { message } = error as Error
    const cure = 'stop the other program, or give another address'
    return [{ level: 'problem', check: 'reachability', message, cure }]
  }
  try {
    return [...checkPeers(node, greetings), await checkReachability(node)]
  } finally {
    await node.shutdown({ timeoutMs: 0 })
  }
}

function checkPeers(node: Node, greetings: readonly Greeting[]): Finding[] {
  const peers = node.peers()
  const connected = new Set(peers.map(({ id }) => id.toString()))
  const message = `connected to ${peers.length} ${peers.length === 1 ? 'node' : 'nodes'}`
  const findings: Finding[] = [{ level: 'ok', check: 'mesh', message }]
  const known = greetings.flatMap(({ contacts }) =>
    contacts.map(({ key, address }) => [new PeerId(key).toString(), address] as const),
  )
  for (const [key, address] of new Map(known)) {
    if (connected.has(key) || key === node.id.toString()) continue
    findings.push({
      level: 'warning',
      check: 'mesh',
      subject: formatAddress(address),
      message: 'others are connected to this node, and it cannot be from here',
      cure: 'check firewalls between the two, and what it advertises (publicAddr)',
      details: { key },
    })
  }
  for (const { id, version, address = 'no address' } of peers) {
    if (version === 2) continue
    findings.push({
      level: 'warning',
      check: 'legacy',
      subject: address,
      message: 'speaks the protocol of 2020, whose encryption can be broken by who listens',
      cure: 'upgrade it',
      details: { key: id.toString() },
    })
  }
  return findings
}

async function checkReachability(node: Node): Promise<Finding> {
  const common = { check: 'reachability' } as const
  const [listening] = node.listening
  if (listening === undefined) {
    const message = 'whether this machine can be dialed was not tried'
    const cure = 'name the address a node is to take connections on with --listen HOST:PORT'
    return { ...common, level: 'note', message, cure }
  }
  const subject = listening
  const state = await node.checkReachability()
  if (state === 'public') {
    const message = `nodes dialed this machine back at ${node.reachableAddress}`
    return { ...common, subject, level: 'ok', message }
  }
  if (state === 'unknown') {
    const message = 'no node could tell whether this machine can be dialed'
    return { ...common, subject, level: 'note', message, cure: 'upgrade the nodes of the mesh' }
  }
  return {
    ...common,
    subject,
    level: 'problem',
    message: 'nodes cannot dial this machine back',
    cure: 'open the port in the firewall, forward it in the router, or listen on an address others see',
  }
}
