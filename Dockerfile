# A node, a bootstrap or a comparison: docker build -t starlings:0.1.0 . && docker run --rm starlings:0.1.0 --help
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# The base image has Node already, and what is native in here is prebuilt for it.
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/pack-data.ts && npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/starlings
COPY --from=build /src/package.json /src/LICENSE /src/LICENSE-MIT /src/LICENSE-APACHE ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/configs ./configs
COPY --from=build /src/dist ./dist
# Keys, stores and models are of this user alone; mount a volume that it owns.
RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/starlings
USER 10001:10001
EXPOSE 4001
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["node", "--dir", "/var/lib/starlings", "--help"]
