// A node behind a router that translates addresses. Says what it is told of itself, has the router
// forward its port, and says it again. Runs within the namespaces that nat.sh made.
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Node } from '@flatend/node'

const run = promisify(execFile)
const [, , flatend, seed, port] = process.argv
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

const node = await Node.start({ bindAddrs: [`0.0.0.0:${port}`], addrs: [seed] })
const tell = async (when) =>
  say({
    when,
    state: await node.checkReachability(),
    reachable: node.reachableAddress,
    advertised: node.address,
  })
// The other one starts at the same time: without it there is nobody to ask.
while (node.peers().length === 0) await sleep(20)
await tell('closed')

const doctor = await run(process.execPath, [flatend, 'doctor', '--json', '-b', seed]).catch(
  (error) => error,
)
say({ when: 'doctor', ...JSON.parse(doctor.stdout) })

await run(
  'ip',
  ['netns', 'exec', 'router', 'nft', 'add', 'rule', 'ip', 'nat', 'pre'].concat([
    'iifname',
    'wan',
    'tcp',
    'dport',
    port,
    'dnat',
    'to',
    '192.168.77.2',
  ]),
)
await tell('forwarded')
await node.shutdown({ timeoutMs: 0 })
