// Machines of a test: network namespaces of this one, with routers and networks in between.
import { spawnSync } from 'node:child_process'
import { afterAll } from 'vitest'
import type { Requirement } from './skip.ts'

const PREFIX = `fl${process.pid.toString(36)}`
const made: string[] = []

function run(program: string, args: readonly string[], input?: string): string | undefined {
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }
  const { error, status, stderr } = spawnSync(program, args, { env, encoding: 'utf8', input })
  if (error) return error.message
  return status === 0 ? undefined : stderr.trim() || `${program} ended with ${status}`
}

function must(program: string, args: readonly string[], input?: string): void {
  const failure = run(program, args, input)
  if (failure !== undefined) throw new Error(`${program} ${args.join(' ')}: ${failure}`)
}

/** Why there can be no machines here, or nothing. */
function missing(): string | undefined {
  const name = `${PREFIX}try`
  const failure = run('ip', ['netns', 'add', name])
  if (failure !== undefined) return `ip netns: ${failure}`
  const nft = run('ip', ['netns', 'exec', name, 'nft', 'list', 'ruleset'])
  run('ip', ['netns', 'del', name])
  return nft === undefined ? undefined : `nft: ${nft}`
}

const reason = missing()

/** What tests with machines need. */
export const namespacesHere: Requirement = {
  met: reason === undefined,
  what: 'nodes on machines of their own, behind routers that translate addresses',
  reason: reason ?? '',
}

afterAll(() => {
  for (const name of made.splice(0)) run('ip', ['netns', 'del', name])
})

/** One machine. */
export class Machine {
  readonly #name: string
  #links = 0

  constructor(name: string) {
    this.#name = `${PREFIX}${name}`
    must('ip', ['netns', 'add', this.#name])
    made.push(this.#name)
    this.ip('link', 'set', 'lo', 'up')
  }

  /** Program and arguments that run something there. */
  command(program: string, ...args: readonly string[]): readonly [string, readonly string[]] {
    return ['ip', ['netns', 'exec', this.#name, program, ...args]]
  }

  ip(...args: readonly string[]): void {
    must('ip', ['-n', this.#name, ...args])
  }

  nft(rules: string): void {
    must('ip', ['netns', 'exec', this.#name, 'nft', '-f', '-'], rules)
  }

  /** Lays a cable to another machine, each end with an address such as `10.0.0.1/24`. */
  cable(address: string, other: Machine, otherAddress: string): void {
    const [near, far] = [`e${this.#links++}`, `e${other.#links++}`]
    const peer = ['peer', 'name', far, 'netns', other.#name]
    must('ip', ['link', 'add', near, 'netns', this.#name, 'type', 'veth', ...peer])
    this.#up(near, address)
    other.#up(far, otherAddress)
  }

  /** What it does not know is there. */
  gateway(address: string): void {
    this.ip('route', 'add', 'default', 'via', address)
  }

  /** Passes on what is not for it. */
  forward(): void {
    const set = ['sysctl', '-qw', 'net.ipv4.ip_forward=1']
    must('ip', ['netns', 'exec', this.#name, ...set])
  }

  #up(link: string, address: string): void {
    this.ip('addr', 'add', address, 'dev', link)
    this.ip('link', 'set', link, 'up')
  }
}

/** A router as at home: those behind it reach out under its address, and nobody reaches in. */
export function homeRouter(name: string): Machine {
  const router = new Machine(name)
  router.forward()
  router.nft(`table ip home {
    chain out { type nat hook postrouting priority srcnat; oifname "e0" masquerade; }
    chain in { type filter hook forward priority filter; policy drop;
      ct state established,related accept; iifname "e1" accept; }
  }`)
  return router
}
