// The app on one of two plans. Settings are the same on both; Flex Consumption says elsewhere what it runs.
param name string
param location string

@allowed(['flex', 'premium'])
param plan string
param instanceMemory int
param maximumInstances int
param identityId string
param identityClientId string
param storageName string
param deploymentContainer string
param stateContainer string

@description('Host name of the namespace; empty for none.')
param serviceBusNamespace string
param applicationInsightsConnection string
param activityTimeout string
param activitiesPerInstance int
param parallelChunks int
param historyDays int
param otlpEndpoint string
param pipelineSettings object

var isFlex = plan == 'flex'
var blobAddress = 'https://${storageName}.blob.${environment().suffixes.storage}'

var storageSettings = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AZURE_CLIENT_ID: identityClientId
}

var nebulaSettings = {
  NEBULA_PIPELINES: 'pipelines'
  NEBULA_STATE: '${blobAddress}/${stateContainer}'
  NEBULA_ACTIVITY_TIMEOUT: activityTimeout
  NEBULA_ACTIVITIES: string(activitiesPerInstance)
  // the host needs the rest; an instance of EP1 has 3.5 GB
  NEBULA_MEMORY: '${(isFlex ? instanceMemory : 3584) / 8 * 5}MB'
  NEBULA_PARALLEL_CHUNKS: string(parallelChunks)
  NEBULA_HISTORY_DAYS: string(historyDays)
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnection
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
}

var collectorSettings = empty(otlpEndpoint) ? {} : {
  OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint
}

var serviceBusSettings = empty(serviceBusNamespace) ? {
  'AzureWebJobs.ServiceBusRunRequested.Disabled': 'true'
} : {
  ServiceBus__fullyQualifiedNamespace: serviceBusNamespace
  ServiceBus__credential: 'managedidentity'
  ServiceBus__clientId: identityClientId
}

// Flex Consumption takes these from functionAppConfig, and refuses them as settings
// Premium would keep the package on a file share, which takes account keys: it runs from a blob instead, read by the app's identity
var premiumSettings = isFlex ? {} : {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'custom'
  WEBSITE_RUN_FROM_PACKAGE: '${blobAddress}/${deploymentContainer}/app.zip'
  WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID: identityId
}

resource farm 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: '${name}-plan'
  location: location
  kind: isFlex ? 'functionapp' : 'elastic'
  sku: isFlex ? {
    name: 'FC1'
    tier: 'FlexConsumption'
  } : {
    name: 'EP1'
    tier: 'ElasticPremium'
  }
  properties: {
    reserved: true
    maximumElasticWorkerCount: isFlex ? null : min(maximumInstances, 100)
  }
}

resource app 'Microsoft.Web/sites@2023-12-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: farm.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    functionAppConfig: isFlex ? {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobAddress}/${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'custom'
        version: '1.0'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        // the plan takes no fewer
        maximumInstanceCount: max(maximumInstances, 40)
      }
    } : null
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: isFlex ? null : 'Disabled'
      functionsRuntimeScaleMonitoringEnabled: isFlex ? null : true
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2023-12-01' = {
  parent: app
  name: 'appsettings'
  properties: union(storageSettings, nebulaSettings, collectorSettings, serviceBusSettings, premiumSettings, pipelineSettings)
}

output name string = app.name
output hostName string = app.properties.defaultHostName
