// From schema to recommendation with the AWS SDK for JavaScript. Addresses and credentials come from the environment.
import { setTimeout as wait } from "node:timers/promises";
import * as P from "@aws-sdk/client-personalize";
import { PersonalizeEventsClient, PutEventsCommand } from "@aws-sdk/client-personalize-events";
import { GetRecommendationsCommand, PersonalizeRuntimeClient } from "@aws-sdk/client-personalize-runtime";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

const personalize = new P.PersonalizeClient({});
const runtime = new PersonalizeRuntimeClient({});
const bucket = process.env.PERSONALIZE_BUCKET;

async function active(Describe, member, arn) {
  for (;;) {
    const shown = (await personalize.send(new Describe({ [`${member}Arn`]: arn })))[member];
    if (shown.status === "ACTIVE") return arn;
    if (shown.status.includes("FAILED")) throw new Error(`${arn}: ${shown.failureReason}`);
    await wait(200);
  }
}

const fields = [["USER_ID", "string"], ["ITEM_ID", "string"], ["TIMESTAMP", "long"]];
const avro = { type: "record", name: "Interactions", namespace: "shop", version: "1.0" };
avro.fields = fields.map(([name, type]) => ({ name, type }));
// Odd users meet odd items.
const rows = Array.from({ length: 2000 }, (_, n) => `u${n % 50},i${2 * ((n * n) % 17) + (n % 2)},${1700000000 + n}`);
const Body = ["USER_ID,ITEM_ID,TIMESTAMP", ...rows].join("\n");
const s3 = new S3Client({ forcePathStyle: true });
await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "javascript.csv", Body }));

const { datasetGroupArn } = await personalize.send(new P.CreateDatasetGroupCommand({ name: "javascript" }));
await active(P.DescribeDatasetGroupCommand, "datasetGroup", datasetGroupArn);
const { schemaArn } = await personalize.send(
  new P.CreateSchemaCommand({ name: "javascript", schema: JSON.stringify(avro) }),
);
const { datasetArn } = await personalize.send(
  new P.CreateDatasetCommand({ name: "javascript", datasetGroupArn, datasetType: "Interactions", schemaArn }),
);
await active(P.DescribeDatasetCommand, "dataset", datasetArn);
const { datasetImportJobArn } = await personalize.send(
  new P.CreateDatasetImportJobCommand({
    jobName: "javascript",
    datasetArn,
    dataSource: { dataLocation: `s3://${bucket}/javascript.csv` },
    roleArn: process.env.PERSONALIZE_ROLE_ARN,
  }),
);
await active(P.DescribeDatasetImportJobCommand, "datasetImportJob", datasetImportJobArn);

const { trackingId } = await personalize.send(
  new P.CreateEventTrackerCommand({ name: "javascript", datasetGroupArn }),
);
const event = { eventType: "click", itemId: "i1", sentAt: new Date() };
await new PersonalizeEventsClient({}).send(
  new PutEventsCommand({ trackingId, userId: "u3", sessionId: "s", eventList: [event] }),
);

const { solutionArn } = await personalize.send(
  new P.CreateSolutionCommand({
    name: "javascript",
    datasetGroupArn,
    recipeArn: "arn:aws:personalize:::recipe/aws-user-personalization-v2",
    performAutoTraining: false,
  }),
);
await active(P.DescribeSolutionCommand, "solution", solutionArn);
const { solutionVersionArn } = await personalize.send(new P.CreateSolutionVersionCommand({ solutionArn }));
await active(P.DescribeSolutionVersionCommand, "solutionVersion", solutionVersionArn);
const { campaignArn } = await personalize.send(
  new P.CreateCampaignCommand({ name: "javascript", solutionVersionArn }),
);
await active(P.DescribeCampaignCommand, "campaign", campaignArn);
const { itemList } = await runtime.send(
  new GetRecommendationsCommand({ campaignArn, userId: "u3", numResults: 5 }),
);

let refused = "";
try {
  await personalize.send(new P.DescribeSolutionCommand({ solutionArn: `${solutionArn}-missing` }));
} catch (error) {
  refused = error.name;
}
console.log(JSON.stringify({ items: itemList.map((item) => item.itemId), refused }));
