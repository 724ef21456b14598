import { costFigures, mean, percentile } from './figures.ts'
import { PresetNetwork } from './preset-network.ts'
const N = Number(process.argv[2] ?? 10000), L = Number(process.argv[3] ?? 1000)
let t = performance.now()
const lap = (w: string) => { console.log(w, Math.round(performance.now() - t), 'ms', Math.round(process.memoryUsage().rss/1e6),'MB'); t = performance.now() }
const net = new PresetNetwork({ nodes: N, seed: 1 })
lap('made')
const out = await net.lookups(L)
lap('lookups')
for (const f of costFigures(out, N)) console.log(f.name, f.value, f.target)
console.log('recall', mean(out.map(o=>o.recall)), 'ms p50/p95', percentile(out.map(o=>o.ms),50), percentile(out.map(o=>o.ms),95))
console.log(net.world.trace.digest(), net.world.trace.count)
for (const dead of [0.1,0.3,0.5]) {
  const n = new PresetNetwork({ nodes: 10000, seed: 1 })
  for (const x of n.some(dead)) x.alive = false
  const o = await n.lookups(L)
  lap('dead '+dead)
  console.log('recall', mean(o.map(o=>o.recall)), 'msgs', percentile(o.map(o=>o.messages),50), 'ms p50/p95/p99', percentile(o.map(o=>o.ms),50), percentile(o.map(o=>o.ms),95), percentile(o.map(o=>o.ms),99), 'nearest', o.filter(o=>o.foundNearest).length/o.length, 'holder found', o.filter(o=>o.toHolder!==undefined).length/o.length)
}
for (const d of [1,4,8]) {
  const n = new PresetNetwork({ nodes: 10000, seed: 1 })
  for (const x of n.some(0.2)) x.adversary = true
  const o = await n.lookups(L, d)
  lap('adv '+d)
  console.log('recall', mean(o.map(o=>o.recall)), 'msgs', percentile(o.map(o=>o.messages),50), percentile(o.map(o=>o.messages),95), 'ms p50/p95', percentile(o.map(o=>o.ms),50), percentile(o.map(o=>o.ms),95), 'nearest', o.filter(o=>o.foundNearest).length/o.length, 'holder found', o.filter(o=>o.toHolder!==undefined).length/o.length)
}
