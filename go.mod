module github.com/kioskeeper/kioskeeper

go 1.26.0

require (
	filippo.io/age v1.3.2 // files of auto-id's file store, sealed
	github.com/aws/aws-sdk-go-v2 v1.47.7 // the types that providers and clients share
	github.com/aws/aws-sdk-go-v2/config v1.33.15 // the SDK's default credential chain
	github.com/aws/aws-sdk-go-v2/credentials v1.20.15 // fixed keys and assumed roles as providers
	github.com/aws/aws-sdk-go-v2/service/secretsmanager v1.50.10 // auto-id's store of Secrets Manager
	github.com/aws/aws-sdk-go-v2/service/ssm v1.81.4 // auto-id's store of Parameter Store
	github.com/aws/aws-sdk-go-v2/service/sts v1.51.8 // AssumeRole and GetCallerIdentity
	github.com/aws/smithy-go v1.28.8 // the SDK's errors and middleware
	github.com/google/go-cmp v0.7.0 // readable differences in tests
	github.com/pelletier/go-toml/v2 v2.4.3 // TOML with line and column
	github.com/pkg/browser v0.0.0-20240102092130-5ac0b6a4141c // opens the default browser on every system
	github.com/rogpeppe/go-internal v1.16.0 // testscript: each verb tested as it is called
	github.com/spf13/cobra v1.10.2 // verbs, man pages and completions
	golang.org/x/crypto v0.58.0 // cryptobyte: length-prefixed messages
	golang.org/x/sys v0.49.0 // system calls the standard library lacks
)

require (
	filippo.io/hpke v0.4.0 // indirect
	github.com/aws/aws-sdk-go-v2/feature/ec2/imds v1.20.7 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/v4a v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.24 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url v1.14.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/signin v1.12.3 // indirect
	github.com/aws/aws-sdk-go-v2/service/sso v1.39.3 // indirect
	github.com/aws/aws-sdk-go-v2/service/ssooidc v1.44.3 // indirect
	github.com/cpuguy83/go-md2man/v2 v2.0.6 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	go.yaml.in/yaml/v3 v3.0.4 // indirect
	golang.org/x/tools v0.49.0 // indirect
)
