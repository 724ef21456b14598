// A vitest reporter: what ran and what was skipped, with the reasons, as JSON for test.mjs.
import { writeFileSync } from 'node:fs'

export default class Report {
  onTestRunEnd(modules) {
    const report = { passed: 0, failed: 0, skipped: [] }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state, note } = test.result()
        if (state === 'skipped')
          report.skipped.push(`${test.fullName}: ${note ?? 'no reason given'}`)
        else report[state]++
      }
    }
    writeFileSync(process.env.FLATEND_REPORT, JSON.stringify(report))
  }
}
