# escape=`

FROM base
ENV A=one `
  B=c:\dir\
RUN echo "$A" `
  >/crlf
COPY a.txt `
  /b`$A.txt
CMD ["a", "\\b"]
