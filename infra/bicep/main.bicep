// A resource group with everything that Nebula needs as an Azure Functions app. Nothing here holds a key: the app reaches all of it by its identity.
targetScope = 'resourceGroup'

@description('Beginning of the names of all resources: letters and digits.')
@minLength(3)
@maxLength(11)
param name string

@description('Where the resources are.')
param location string = resourceGroup().location

@description('flex: Flex Consumption, scales to nothing. premium: Elastic Premium, for networks of its own and long transfers.')
@allowed(['flex', 'premium'])
param plan string = 'flex'

@description('Memory of one instance in MB; for flex only.')
@allowed([512, 2048, 4096])
param instanceMemory int = 2048

@description('Most instances of the app.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('Containers of the landing zone whose new blobs are told to the app.')
param landingContainers array = ['landing']

@description('Whether runs can also be asked for by messages of a Service Bus queue.')
param useServiceBus bool = true

@description('Longest time of one activity, such as the transfer of one chunk.')
param activityTimeout string = '30m'

@description('Most activities at the same time in one instance.')
param activitiesPerInstance int = 8

@description('Most chunks of one stream at the same time, over all instances.')
param parallelChunks int = 32

@description('Days that ended runs are kept.')
param historyDays int = 30

@description('Collector of OpenTelemetry, besides Application Insights; empty for none.')
param otlpEndpoint string = ''

@description('Further app settings: the variables of the pipeline files.')
param pipelineSettings object = {}

var suffix = uniqueString(resourceGroup().id, name)

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: '${name}-app'
    location: location
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: name
    location: location
    principalId: identity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: toLower('${name}${suffix}')
    location: location
    principalId: identity.outputs.principalId
    landingContainers: landingContainers
  }
}

module events 'modules/events.bicep' = {
  name: 'events'
  params: {
    name: '${name}-blobs'
    location: location
    storageName: storage.outputs.name
    queueName: storage.outputs.blobEventQueue
    landingContainers: landingContainers
  }
}

module serviceBus 'modules/servicebus.bicep' = if (useServiceBus) {
  name: 'servicebus'
  params: {
    name: '${name}-${suffix}'
    location: location
    principalId: identity.outputs.principalId
  }
}

module vault 'modules/keyvault.bicep' = {
  name: 'keyvault'
  params: {
    name: take('${name}-${suffix}', 24)
    location: location
    principalId: identity.outputs.principalId
  }
}

module app 'modules/functionapp.bicep' = {
  name: 'functionapp'
  params: {
    name: '${name}-${suffix}'
    location: location
    plan: plan
    instanceMemory: instanceMemory
    maximumInstances: maximumInstances
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    stateContainer: storage.outputs.stateContainer
    serviceBusNamespace: useServiceBus ? serviceBus!.outputs.host : ''
    applicationInsightsConnection: monitoring.outputs.connectionString
    activityTimeout: activityTimeout
    activitiesPerInstance: activitiesPerInstance
    parallelChunks: parallelChunks
    historyDays: historyDays
    otlpEndpoint: otlpEndpoint
    pipelineSettings: pipelineSettings
  }
}

output appName string = app.outputs.name
output appAddress string = 'https://${app.outputs.hostName}'
output storageName string = storage.outputs.name
output vaultName string = vault.outputs.name
