FROM scratch
COPY --exclude=*.md --exclude=sub/deep . /one/
COPY --exclude=**/keep --exclude=upper sub Upper /two/
COPY --exclude=* --exclude=!*.md . /three/
