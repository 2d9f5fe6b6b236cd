// Burns CPU for as long as the event says. CPU grows with memory: 1,769 MB are one
// whole core, so the same work takes longer with less memory.
exports.handler = async (event) => {
  const wanted = event.cpu_ms ?? 5;
  const start = process.cpuUsage();
  const begun = process.hrtime.bigint();
  let rounds = 0;
  let x = 0;
  for (;;) {
    for (let i = 0; i < 1000; i++) x = (x * 31 + i) >>> 0;
    rounds += 1;
    const used = process.cpuUsage(start);
    if (used.user + used.system >= wanted * 1000) break;
  }
  const wall = Number(process.hrtime.bigint() - begun) / 1e6;
  return { cpu_ms: wanted, wall_ms: Math.round(wall * 100) / 100, rounds };
};
