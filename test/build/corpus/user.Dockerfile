FROM base
WORKDIR /of/root
USER app
WORKDIR /of/app
WORKDIR deeper
USER 12
WORKDIR /of/twelve
USER nobody-knows
WORKDIR /of/none
USER root
COPY a.txt .
