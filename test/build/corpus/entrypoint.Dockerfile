FROM base AS one
CMD ["old"]
ENTRYPOINT exec top -b
FROM one
HEALTHCHECK NONE
ENTRYPOINT ["/bin/echo", "it's", "\"quoted\""]
FROM one AS last
ENTRYPOINT []
SHELL ["/bin/sh", "-x", "-c"]
CMD [ -f x ] && echo y
