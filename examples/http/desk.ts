// Calls a desk's HTTP API: asks about the persons whose numbers come on standard input, or reports a file.
//
//   npm ci && npx tsc
//   DESK=http://127.0.0.1:7700 TOKEN_FILE=token node build/desk.js check 2026-03-31 consent.pdf < numbers.txt
//   DESK=http://127.0.0.1:7700 TOKEN_FILE=token node build/desk.js report portfolio.csv
//
// One number is asked about at once; several become a job. It needs Node 18 or newer, and no library.

import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

interface Broken {
  row: number;
  reason: string;
  field: string;
  rule: string;
  want: string;
}

interface Problem extends Broken {
  title: string;
  detail: string;
  retryable: boolean;
  violations: Broken[];
}

interface Checked {
  answer: { verdict: "LISTED" | "CLEAR" | "UNVERIFIABLE"; inquiry_id: string };
  assessment: { outcome: "NOT_ADVERSE" | "WATCH" | "BLACKLISTED" | "REFER" };
}

interface Job {
  job: string;
  state: "WAITING" | "RUNNING" | "DONE" | "FAILED" | "STOPPED";
  file: { rows: number; accepted: number; repeated: number; rejected_rows: number } | null;
  problem: Problem | null;
}

class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.reason);
  }
}

const ATTEMPTS = 5;
const LIMIT_MS = 200_000;
const api = `${process.env["DESK"] ?? "http://127.0.0.1:7700"}/api/v1`;
const token = readFileSync(process.env["TOKEN_FILE"] ?? "token", "utf8").trim();

// Sends a request; what may succeed later is sent again, with the same key, so that nothing is done twice.
async function call<T>(method: "GET" | "POST", path: string, body?: string | Buffer, type = "application/json"): Promise<T> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
  if (body !== undefined) {
    headers["Content-Type"] = type;
    headers["Idempotency-Key"] = randomUUID();
  }
  for (let attempt = 1; ; attempt++) {
    const sent = { method, headers, signal: AbortSignal.timeout(LIMIT_MS), ...(body === undefined ? {} : { body }) };
    const response = await fetch(api + path, sent);
    if (response.ok) {
      return (await response.json()) as T;
    }
    const problem = (await response.json()) as Problem;
    if (attempt === ATTEMPTS || !problem.retryable) {
      throw new Refused(problem);
    }
    await sleep(1_000 * attempt);
  }
}

async function finished(path: string, body: string | Buffer, type?: string): Promise<Job> {
  let job = await call<Job>("POST", path, body, type);
  while (job.state === "WAITING" || job.state === "RUNNING") {
    await sleep(500);
    job = await call<Job>("GET", `/jobs/${job.job}`);
  }
  if (job.state !== "DONE") {
    throw job.problem === null ? new Error(`the job is ${job.state}`) : new Refused(job.problem);
  }
  return job;
}

function show(place: number, { answer, assessment }: Checked): void {
  console.log(`${place} ${answer.verdict} ${assessment.outcome}`);
}

async function check(date: string, document: Buffer, numbers: string[]): Promise<void> {
  const consent = { date, digest: createHash("sha256").update(document).digest("hex") };
  const persons = numbers.map((number) => ({ id_type: "CN_RESIDENT_ID", number }));
  const asked = { purpose: "LOAN_APPROVAL", consent };
  if (persons.length === 1) {
    show(1, await call<Checked>("POST", "/checks", JSON.stringify({ ...asked, person: persons[0] })));
    return;
  }
  const { job } = await finished("/jobs/checks", JSON.stringify({ ...asked, persons }));
  for (let after: number | null = 0; after !== null; ) {
    type Page = { answers: (Checked & { place: number })[]; next: number | null };
    const page: Page = await call<Page>("GET", `/jobs/${job}/answers?after=${after}`);
    page.answers.forEach((one) => show(one.place, one));
    after = page.next;
  }
}

async function report(file: Buffer): Promise<void> {
  const { job, file: counts } = await finished("/jobs/reports", file, "application/octet-stream");
  if (counts !== null) {
    console.log(`${counts.rows} rows: ${counts.accepted} accepted, ${counts.repeated} known, ${counts.rejected_rows} rejected`);
  }
  const { rejected } = await call<{ rejected: Broken[] }>("GET", `/jobs/${job}/rejected`);
  rejected.forEach((row) => console.log(`row ${row.row}: ${row.reason} ${row.field} ${row.rule} ${row.want}`));
}

async function main([verb, first, second]: string[]): Promise<number> {
  try {
    if (verb === "check" && first !== undefined && second !== undefined) {
      const numbers = readFileSync(0, "utf8").split("\n").filter((line) => line !== "");
      await check(first, readFileSync(second), numbers);
    } else if (verb === "report" && first !== undefined) {
      await report(readFileSync(first));
    } else {
      console.error("usage: desk.js check DATE CONSENT < numbers | desk.js report FILE");
      return 2;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Refused)) {
      throw error;
    }
    const { title, reason, field, rule, want, detail, violations } = error.problem;
    console.error(`${title}: ${reason} ${field} ${rule} ${want}\n${detail}`);
    violations.forEach((one) => console.error(`row ${one.row}: ${one.reason} ${one.field} ${one.rule} ${one.want}`));
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
