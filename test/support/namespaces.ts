// Machines of their own, with networks of their own: Linux network namespaces, joined by virtual cables.
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './gateway.ts'
import type { StartOptions } from './processes.ts'
import type { Requirement } from './skip.ts'

const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }

/** Runs a program of the system. @throws Error with what it said where it fails */
function sh(program: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, input })
  if (status === 0) return stdout.toString()
  throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.toString()}`)
}

/** What {@link Network} needs; tried out, since permission shows in no other way. */
export function namespacesHere(what: string): Requirement {
  const name = `flatend-try-${process.pid}`
  try {
    sh('ip', ['netns', 'add', name])
    sh('ip', ['netns', 'exec', name, 'nft', '-f', '-'], MASQUERADE)
    return { met: true, what, reason: '' }
  } catch (error) {
    return {
      met: false,
      what,
      reason: `no network namespaces (${(error as Error).message.trim()})`,
    }
  } finally {
    spawnSync('ip', ['netns', 'del', name], { env })
  }
}

/** A router as homes have it: who is inside gets out under its address, nobody gets in. */
const MASQUERADE = `
table ip home {
  chain leaving {
    type nat hook postrouting priority 100;
    oifname "wan" masquerade
  }
  chain passing {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
  }
}
`

/** Namespaces of one test, gone with it. Processes in them must be ended before. */
export class Network {
  readonly #prefix = `flatend-${process.pid}-${Math.random().toString(36).slice(2, 7)}`
  readonly #names: string[] = []
  readonly #folder = temporaryFolder()

  constructor() {
    onTestFinished(() => this.#remove())
  }

  /** A switch that machines are plugged into. */
  addSwitch(name: string): void {
    this.#add(name)
    this.#ip(name, 'link', 'add', 'br0', 'type', 'bridge')
    this.#ip(name, 'link', 'set', 'br0', 'up')
  }

  /** Joins two switches; {@link cut} separates them. */
  join(one: string, other: string): void {
    this.#cable([one, `to-${other}`], [other, `to-${one}`])
    this.#ip(one, 'link', 'set', `to-${other}`, 'master', 'br0', 'up')
    this.#ip(other, 'link', 'set', `to-${one}`, 'master', 'br0', 'up')
  }

  /** Nothing passes between two switches any more, or again. Nobody is told. */
  cut(one: string, other: string, isCut = true): void {
    this.#ip(one, 'link', 'set', `to-${other}`, isCut ? 'down' : 'up')
  }

  /** A machine at a switch, with an address such as `10.0.0.1/24`. */
  addMachine(name: string, at: string, address: string): void {
    this.#add(name)
    this.#plug(name, at, { device: 'wan', address })
  }

  /** A machine behind a router that masquerades, whose outer address is at a switch. */
  addBehindRouter(name: string, at: string, outer: string): void {
    const router = `${name}-nat`
    this.#add(router)
    this.#plug(router, at, { device: 'wan', address: outer })
    this.#add(name)
    this.#cable([router, 'lan'], [name, 'wan'])
    this.#up(router, 'lan', '192.168.1.1/24')
    this.#up(name, 'wan', '192.168.1.2/24')
    this.#ip(name, 'route', 'add', 'default', 'via', '192.168.1.1')
    sh('ip', [...this.#inside(router), 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    sh('ip', [...this.#inside(router), 'nft', '-f', '-'], MASQUERADE)
  }

  /** How to start Node on a machine. */
  on(machine: string): StartOptions & { readonly program: string } {
    const program = join(this.#folder, machine)
    const command = ['exec ip', ...this.#inside(machine), `'${process.execPath}' "$@"`].join(' ')
    writeFileSync(program, `#!/bin/sh\n${command}\n`)
    chmodSync(program, 0o700)
    return { program, env: { PATH: env.PATH } }
  }

  #inside(name: string): string[] {
    return ['netns', 'exec', this.#full(name)]
  }

  #full(name: string): string {
    return `${this.#prefix}-${name}`
  }

  #add(name: string): void {
    sh('ip', ['netns', 'add', this.#full(name)])
    this.#names.push(name)
    this.#ip(name, 'link', 'set', 'lo', 'up')
  }

  #ip(name: string, ...args: readonly string[]): void {
    sh('ip', ['-n', this.#full(name), ...args])
  }

  #plug(name: string, at: string, { device, address }: { device: string; address: string }): void {
    this.#cable([name, device], [at, name])
    this.#ip(at, 'link', 'set', name, 'master', 'br0', 'up')
    this.#up(name, device, address)
  }

  #cable([one, device]: readonly [string, string], [other, peer]: readonly [string, string]): void {
    this.#ip(
      one,
      'link',
      'add',
      device,
      'type',
      'veth',
      'peer',
      'name',
      peer,
      'netns',
      this.#full(other),
    )
  }

  #up(name: string, device: string, address: string): void {
    this.#ip(name, 'addr', 'add', address, 'dev', device)
    this.#ip(name, 'link', 'set', device, 'up')
  }

  #remove(): void {
    for (const name of this.#names) spawnSync('ip', ['netns', 'del', this.#full(name)], { env })
  }
}
