// Writes what is derived from the schemas of job and search files: JSON Schemas for editors, the reference for readers.
// Needs a build: npm run build && node scripts/generate-schema.js
import { writeFileSync } from 'node:fs';
import { jobJsonSchema } from '../dist/src/job/json-schema.js';
import { searchJsonSchema } from '../dist/src/search/schema.js';
import { jobReference } from '../dist/src/job/reference.js';

const write = (path, text) => {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
  console.log(`wrote ${path}`);
};

write('schema/job.schema.json', `${JSON.stringify(jobJsonSchema(), null, 2)}\n`);
write('schema/search.schema.json', `${JSON.stringify(searchJsonSchema(), null, 2)}\n`);
write('docs/job-file.md', jobReference());
