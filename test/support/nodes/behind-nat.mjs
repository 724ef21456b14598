// A node behind a router that translates addresses. Says what it is told of itself, has the router
// forward its port, and says it again. Runs within the namespaces that nat.sh made.
import { execFile } from 'node:child_process'
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
